import { Alert, Badge, Button, Card, Group, Modal, Stack, Switch, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useClient } from "../client.js";
import { at } from "../queries.js";
import { Moment } from "../time/Moment.js";
import type { Secret, Webhook } from "../types.js";
import { ConfirmButton } from "../ui/ConfirmButton.js";
import { CopyText } from "../ui/CopyText.js";
import { useAct } from "../ui/useAct.js";
import { WebhookForm } from "./WebhookForm.js";

/** A webhook with what can be done with it. */
export function WebhookCard({ webhook }: { readonly webhook: Webhook }) {
  const client = useClient();
  const { project_id: projectId, id, url } = webhook;
  const path = at(projectId, "webhooks", id);
  const changes = [["webhooks", projectId]];
  const [changing, setChanging] = useState(false);
  const [secret, setSecret] = useState<Secret | null>(null);
  const enable = useAct((enabled: boolean) => client.call("PATCH", path, { body: { enabled } }), changes);
  const remove = useAct(() => client.call("DELETE", path), changes, { quiet: true });
  const test = useAct(() => client.call("POST", `${path}/test`), [["deliveries", projectId]]);
  const reveal = useAct(() => client.call<Secret>("GET", `${path}/secret`), []);
  const rotate = useAct(() => client.call<Secret>("POST", `${path}/secret/rotate`), [], { quiet: true });
  const sent = () => notifications.show({ message: "A test event is on its way: see the deliveries." });
  return (
    <Card withBorder bg="var(--surface)" component="section" aria-label={url}>
      <Group justify="space-between" align="flex-start">
        <div>
          <Text fw={600}>{url}</Text>
          <Text size="sm" c="dimmed">
            {webhook.description === "" ? "" : `${webhook.description} · `}made <Moment at={webhook.created_at} />
          </Text>
        </div>
        <Switch
          label={webhook.enabled ? "enabled" : "disabled"}
          aria-label={`Send to ${url}`}
          checked={webhook.enabled}
          onChange={(event) => enable.mutate(event.currentTarget.checked)}
        />
      </Group>
      {webhook.disabled_reason !== null && (
        <Alert color="red" mt="sm" title="It is sent nothing more">
          {webhook.disabled_reason}
        </Alert>
      )}
      {webhook.failing_since !== null && (
        <Text size="sm" c="var(--mantine-color-error)" mt="xs">
          Failing since <Moment at={webhook.failing_since} />
        </Text>
      )}
      <Group gap={4} mt="sm">
        {webhook.events.map((event) => (
          <Badge key={event} variant="light" color="gray" tt="none">
            {event}
          </Badge>
        ))}
      </Group>
      <Group gap="xs" mt="md">
        <Button
          size="compact-sm"
          variant="light"
          loading={test.isPending}
          onClick={() => test.mutate(undefined, { onSuccess: sent })}
        >
          Send a test
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => setChanging(true)}>
          Change
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => reveal.mutate(undefined, { onSuccess: setSecret })}>
          Show the secret
        </Button>
        <ConfirmButton
          size="compact-sm"
          question="Rotate the secret?"
          text="For a day what is sent is signed with both, the old one and the new."
          verb="Rotate it"
          onConfirm={async () => setSecret(await rotate.mutateAsync())}
        >
          Rotate the secret
        </ConfirmButton>
        <ConfirmButton
          size="compact-sm"
          question="Delete the webhook?"
          text={`${url} is told nothing more. Its deliveries stay listed.`}
          verb="Delete it"
          onConfirm={() => remove.mutateAsync()}
        >
          Delete
        </ConfirmButton>
      </Group>
      <WebhookForm opened={changing} onClose={() => setChanging(false)} projectId={projectId} webhook={webhook} />
      <Modal opened={secret !== null} onClose={() => setSecret(null)} title="What its events are signed with">
        <Stack>
          {secret !== null && <CopyText text={secret.secret} label="the secret" />}
          {secret?.previous_until != null && (
            <Text size="sm">
              The one before counts until <Moment at={secret.previous_until} />.
            </Text>
          )}
        </Stack>
      </Modal>
    </Card>
  );
}
