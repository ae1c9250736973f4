import { Badge, Button, Card, Group, Stack, Switch, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconBolt, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";
import { useClient } from "../client.js";
import { useProjectId } from "../projects/useProjectId.js";
import { at, listOptions } from "../queries.js";
import { Moment } from "../time/Moment.js";
import type { Automation } from "../types.js";
import { List } from "../ui/List.js";
import { Nothing } from "../ui/Nothing.js";
import { Page } from "../ui/Page.js";
import { SecretOnce } from "../ui/SecretOnce.js";
import { useAct } from "../ui/useAct.js";
import { AutomationForm } from "./AutomationForm.js";
import { triggerText } from "./trigger.js";

export function AutomationsPage() {
  const client = useClient();
  const projectId = useProjectId();
  const query = useInfiniteQuery(
    listOptions<Automation>(client, ["automations", projectId], at(projectId, "automations")),
  );
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const make = (
    <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setMaking(true)}>
      New automation
    </Button>
  );
  return (
    <Page title="Automations" text="Renders that begin by themselves" actions={make}>
      <AutomationForm opened={making} onClose={() => setMaking(false)} projectId={projectId} onSecret={setSecret} />
      <SecretOnce title="What requests to its URL are signed with" secret={secret} onClose={() => setSecret(null)} />
      <List
        query={query}
        nothing={
          <Nothing
            icon={IconBolt}
            title="No automations yet"
            text="A schedule, a request, an upload or a finished render can begin the next one."
          >
            {make}
          </Nothing>
        }
      >
        {(automations) => (
          <Stack>
            {automations.map((automation) => (
              <AutomationCard key={automation.id} automation={automation} />
            ))}
          </Stack>
        )}
      </List>
    </Page>
  );
}

function AutomationCard({ automation }: { readonly automation: Automation }) {
  const client = useClient();
  const { project_id: projectId, id, name, enabled, next_due_at: next, last_triggered_at: last } = automation;
  const enable = useAct(
    (enabled: boolean) => client.call("PATCH", at(projectId, "automations", id), { body: { enabled } }),
    [["automations", projectId]],
  );
  return (
    <Card withBorder bg="var(--surface)" component="section" aria-label={name}>
      <Group justify="space-between" align="flex-start">
        <div>
          <Text component={Link} to={id} fw={600} c="inherit">
            {name}
          </Text>
          <Text size="sm" c="dimmed">
            Runs {triggerText(automation.trigger)}
          </Text>
        </div>
        <Switch
          label={enabled ? "enabled" : "disabled"}
          aria-label={`Run ${name}`}
          checked={enabled}
          onChange={(event) => enable.mutate(event.currentTarget.checked)}
        />
      </Group>
      <Group gap="xs" mt="sm">
        {next !== null && (
          <Badge variant="light" tt="none">
            next <Moment at={next} />
          </Badge>
        )}
        <Badge variant="light" color="gray" tt="none">
          {automation.trigger_count} {automation.trigger_count === 1 ? "run" : "runs"}
        </Badge>
        {last !== null && (
          <Text size="sm" c="dimmed">
            last <Moment at={last} relative />
          </Text>
        )}
      </Group>
    </Card>
  );
}
