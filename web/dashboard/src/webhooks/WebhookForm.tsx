import { Button, Checkbox, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useClient } from "../client.js";
import { at } from "../queries.js";
import type { Webhook } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { fieldsOf } from "../ui/fields.js";
import { formText } from "../ui/formText.js";
import { useAct } from "../ui/useAct.js";

export const EVENTS: readonly Webhook["events"][number][] = [
  "render.completed",
  "render.failed",
  "render.cancelled",
  "asset.ready",
  "asset.failed",
];

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly projectId: string;
  /** The one to change; a new one is made without it. */
  readonly webhook?: Webhook;
}

export function WebhookForm({ opened, onClose, projectId, webhook }: Props) {
  const client = useClient();
  const [events, setEvents] = useState<string[]>(webhook?.events ?? EVENTS.slice(0, 3));
  const save = useAct(
    (body: object) =>
      webhook === undefined
        ? client.call("POST", at(projectId, "webhooks"), { body })
        : client.call("PATCH", at(projectId, "webhooks", webhook.id), { body }),
    [["webhooks", projectId]],
    { quiet: true },
  );
  const wrong = fieldsOf(save.error);
  return (
    <Modal opened={opened} onClose={onClose} title={webhook === undefined ? "New webhook" : "Change the webhook"}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const said = formText(event.currentTarget);
          save.mutate({ url: said("url"), description: said("description"), events }, { onSuccess: onClose });
        }}
      >
        <Stack>
          <FailureAlert failure={save.error} without={["/url", "/description", "/events"]} />
          <TextInput
            name="url"
            type="url"
            label="URL"
            placeholder="https://…"
            required
            data-autofocus
            defaultValue={webhook?.url}
            error={wrong["/url"]}
          />
          <TextInput
            name="description"
            label="Description"
            defaultValue={webhook?.description}
            error={wrong["/description"]}
          />
          <Checkbox.Group label="It is told of" value={events} onChange={setEvents} error={wrong["/events"]}>
            <Stack gap={6} mt={6}>
              {EVENTS.map((event) => (
                <Checkbox key={event} value={event} label={event} />
              ))}
            </Stack>
          </Checkbox.Group>
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending} disabled={events.length === 0}>
              {webhook === undefined ? "Make it" : "Save"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
