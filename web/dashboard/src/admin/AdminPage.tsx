import { Alert, Group, Paper, Progress, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useClient } from "../client.js";
import { Moment } from "../time/Moment.js";
import type { Overview } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Page } from "../ui/Page.js";
import { Waiting } from "../ui/Waiting.js";
import styles from "./AdminPage.module.css";
import { QueueTable, RunningTable, WorkerTable } from "./tables.js";

const LOOK_MS = 2_000;

/** The queue and the workers as they are now, for administrators. */
export function AdminPage() {
  const client = useClient();
  const { data, error } = useQuery({
    queryKey: ["overview"],
    queryFn: ({ signal }) => client.call<Overview>("GET", "/overview", { signal }),
    refetchInterval: LOOK_MS,
  });
  return (
    <Page
      title="Queue and workers"
      text={
        data !== undefined && (
          <>
            As of <Moment at={data.at} />
          </>
        )
      }
    >
      <FailureAlert failure={error} />
      {data === undefined ? error === null && <Waiting /> : <Shown seen={data} />}
    </Page>
  );
}

function Shown({ seen }: { readonly seen: Overview }) {
  const slots = seen.workers.filter(({ status }) => status === "active").reduce((sum, one) => sum + one.slots, 0);
  const held = seen.workers.reduce((sum, one) => sum + one.held, 0);
  const of = (status: string) => seen.renders[status] ?? 0;
  const waiting = seen.queue.reduce((sum, { steps }) => sum + steps, 0);
  return (
    <Stack>
      {seen.pauses.map((pause) => (
        <Alert key={pause.scope} color="yellow" title={`Paused: ${pause.scope}`}>
          Since <Moment at={pause.paused_at} />. {pause.reason}
        </Alert>
      ))}
      <div className={styles.figures}>
        <Figure name="Slots taken" value={`${held} of ${slots}`}>
          <Progress value={slots === 0 ? 0 : (held / slots) * 100} aria-label="Slots taken" mt={6} />
        </Figure>
        <Figure name="Steps waiting" value={waiting} />
        <Figure name="Rendering" value={of("processing")} />
        <Figure name="Queued renders" value={of("queued")} />
        <Figure name="Ended within the hour" value={of("completed") + of("failed") + of("cancelled")}>
          <Text size="xs" c="dimmed">
            {of("completed")} completed, {of("failed")} failed, {of("cancelled")} cancelled
          </Text>
        </Figure>
      </div>
      <QueueTable queue={seen.queue} />
      <WorkerTable workers={seen.workers} />
      <RunningTable running={seen.running} />
    </Stack>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string | number;
  readonly children?: ReactNode;
}

const Figure = ({ name, value, children }: FigureProps) => (
  <Paper withBorder p="md" bg="var(--surface)">
    <Text size="sm" c="dimmed">
      {name}
    </Text>
    <Group>
      <Text fz={26} fw={700} lh={1.2}>
        {value}
      </Text>
    </Group>
    {children}
  </Paper>
);
