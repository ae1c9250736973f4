import { Badge, Button, Paper, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { useClient } from "../client.js";
import { useProjectId } from "../projects/useProjectId.js";
import { at } from "../queries.js";
import { Moment } from "../time/Moment.js";
import type { Automation } from "../types.js";
import { ConfirmButton } from "../ui/ConfirmButton.js";
import { CopyText } from "../ui/CopyText.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Page } from "../ui/Page.js";
import { SecretOnce } from "../ui/SecretOnce.js";
import { useAct } from "../ui/useAct.js";
import { Waiting } from "../ui/Waiting.js";
import { AutomationForm } from "./AutomationForm.js";
import { Executions } from "./Executions.js";
import { triggerText } from "./trigger.js";

export function AutomationPage() {
  const client = useClient();
  const projectId = useProjectId();
  const { automationId = "" } = useParams();
  const path = at(projectId, "automations", automationId);
  const query = useQuery({
    queryKey: ["automations", projectId, automationId],
    queryFn: ({ signal }) => client.call<Automation>("GET", path, { signal }),
  });
  if (query.data !== undefined) return <Shown automation={query.data} path={path} />;
  return <Page title="Automation">{query.isError ? <FailureAlert failure={query.error} /> : <Waiting />}</Page>;
}

function Shown({ automation, path }: { readonly automation: Automation; readonly path: string }) {
  const client = useClient();
  const navigate = useNavigate();
  const [changing, setChanging] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const changes = [["automations", automation.project_id]];
  const run = useAct(() => client.call("POST", `${path}/trigger`, { body: { input: {} } }), changes);
  const remove = useAct(() => client.call("DELETE", path), changes, { quiet: true });
  const rotate = useAct(() => client.call<{ secret: string }>("POST", `${path}/secret/rotate`), changes, {
    quiet: true,
  });
  const { name, url, next_due_at: next, enabled } = automation;
  return (
    <Page
      title={name}
      mark={<Badge color={enabled ? "green" : "gray"} variant="light" children={enabled ? "enabled" : "disabled"} />}
      text={<>Runs {triggerText(automation.trigger)}</>}
      actions={
        <>
          <Button loading={run.isPending} onClick={() => run.mutate()}>
            Run it now
          </Button>
          <Button variant="default" onClick={() => setChanging(true)}>
            Change
          </Button>
          <ConfirmButton
            question="Delete the automation?"
            text="It runs no more; what it made stays."
            verb="Delete it"
            onConfirm={async () => {
              await remove.mutateAsync();
              await navigate("..", { relative: "path" });
            }}
          >
            Delete
          </ConfirmButton>
        </>
      }
    >
      <AutomationForm
        opened={changing}
        onClose={() => setChanging(false)}
        projectId={automation.project_id}
        automation={automation}
        onSecret={setSecret}
      />
      <SecretOnce title="What requests to its URL are signed with" secret={secret} onClose={() => setSecret(null)} />
      <Stack>
        {next !== null && (
          <Text>
            Next run: <Moment at={next} /> (<Moment at={next} relative />)
          </Text>
        )}
        {url !== null && (
          <Paper withBorder p="md" bg="var(--surface)">
            <Text size="sm" mb={4}>
              It runs on each signed POST to
            </Text>
            <CopyText text={url} label="its URL" />
            <ConfirmButton
              mt="sm"
              size="compact-sm"
              question="Rotate the secret?"
              text="For a day requests may be signed with either."
              verb="Rotate it"
              onConfirm={async () => setSecret((await rotate.mutateAsync()).secret)}
            >
              Rotate the secret
            </ConfirmButton>
          </Paper>
        )}
        <Executions automation={automation} path={path} />
      </Stack>
    </Page>
  );
}
