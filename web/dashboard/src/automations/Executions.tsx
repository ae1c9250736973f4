import { Accordion, Anchor, Badge, Code, Group, Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconHistory } from "@tabler/icons-react";
import { Link } from "react-router";
import { useClient } from "../client.js";
import { listOptions } from "../queries.js";
import { Moment } from "../time/Moment.js";
import type { Automation, Execution } from "../types.js";
import { List } from "../ui/List.js";
import { Nothing } from "../ui/Nothing.js";
import { Panel } from "../ui/Panel.js";

const COLORS: Readonly<Record<Execution["status"], string>> = {
  queued: "gray",
  running: "blue",
  completed: "green",
  failed: "red",
  skipped: "yellow",
};

/** What an automation did, each time it ran. */
export function Executions({ automation, path }: { readonly automation: Automation; readonly path: string }) {
  const client = useClient();
  const { project_id: projectId, id } = automation;
  const query = useInfiniteQuery(
    listOptions<Execution>(client, ["automations", projectId, id, "executions"], `${path}/executions`),
  );
  return (
    <Panel title="Runs" flush>
      <List query={query} nothing={<Nothing icon={IconHistory} title="It has not run yet" />}>
        {(executions) => (
          <Accordion order={3}>
            {executions.map((execution) => (
              <Accordion.Item key={execution.id} value={execution.id}>
                <Accordion.Control>
                  <Group gap="sm">
                    <Badge variant="light" color={COLORS[execution.status]}>
                      {execution.status}
                    </Badge>
                    <Text size="sm">
                      <Moment at={execution.created_at} />
                    </Text>
                    <Text size="xs" c="dimmed">
                      {execution.trigger_type.replace("_", " ")}
                    </Text>
                  </Group>
                </Accordion.Control>
                <Accordion.Panel>
                  <Details execution={execution} projectId={projectId} />
                </Accordion.Panel>
              </Accordion.Item>
            ))}
          </Accordion>
        )}
      </List>
    </Panel>
  );
}

function Details({ execution, projectId }: { readonly execution: Execution; readonly projectId: string }) {
  return (
    <Stack gap="xs">
      {execution.error !== null && (
        <Text size="sm" c="var(--mantine-color-error)">
          {execution.error.message}
          {execution.error.errors?.map(({ path, message }) => ` ${path}: ${message}.`)}
        </Text>
      )}
      {execution.results.map((result, index) => (
        <Text key={index} size="sm" component="div">
          {result.type.replace("_", " ")}
          {result.render_id != null && (
            <>
              {": "}
              <Anchor component={Link} to={`/projects/${projectId}/renders/${result.render_id}`} size="sm">
                {result.render_id}
              </Anchor>
            </>
          )}
          {result.answer != null && `: ${result.answer.status} (${result.answer.response_status ?? "no answer"})`}
        </Text>
      ))}
      <Text size="xs" c="dimmed">
        Input
      </Text>
      <Code block>{JSON.stringify(execution.input, null, 2)}</Code>
    </Stack>
  );
}
