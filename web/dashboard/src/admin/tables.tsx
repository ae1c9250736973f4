import { Badge, Progress, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { secondsText } from "../time/format.js";
import { Moment } from "../time/Moment.js";
import type { Overview } from "../types.js";
import { Panel } from "../ui/Panel.js";
import { Scrolling } from "../ui/Scrolling.js";

const SILENT_S = 10;

export const QueueTable = ({ queue }: Pick<Overview, "queue">) => (
  <Named title="Queue" columns={["Class", "Waiting", "Oldest", "To be tried again"]} rows={queue.length}>
    {queue.map(({ priority, steps, oldest_s: oldest, later }) => (
      <Table.Tr key={priority}>
        <Table.Td>{priority}</Table.Td>
        <Table.Td>{steps}</Table.Td>
        <Table.Td>{steps === 0 ? "–" : secondsText(oldest)}</Table.Td>
        <Table.Td>{later}</Table.Td>
      </Table.Tr>
    ))}
  </Named>
);

export const WorkerTable = ({ workers }: Pick<Overview, "workers">) => (
  <Named title="Workers" columns={["Worker", "Slots", "State", "Heard of", "Up since", "Offers"]} rows={workers.length}>
    {workers.map((worker) => (
      <Table.Tr key={worker.id}>
        <Table.Td>
          {worker.host}:{worker.pid}
          <Text size="xs" c="dimmed">
            {worker.id}
          </Text>
        </Table.Td>
        <Table.Td>
          {worker.held} of {worker.slots}
        </Table.Td>
        <Table.Td>
          <Badge variant="light" color={worker.silent_s > SILENT_S ? "red" : "green"}>
            {worker.silent_s > SILENT_S ? "silent" : worker.status}
          </Badge>
        </Table.Td>
        <Table.Td>{secondsText(worker.silent_s)} ago</Table.Td>
        <Table.Td>
          <Moment at={worker.started_at} />
        </Table.Td>
        <Table.Td>
          <Text size="xs">{worker.offers.filter((offer) => !offer.startsWith("ffmpeg:")).join(" ")}</Text>
        </Table.Td>
      </Table.Tr>
    ))}
  </Named>
);

export const RunningTable = ({ running }: Pick<Overview, "running">) => (
  <Named title="Steps at work" columns={["Step", "Render", "Worker", "For", "Done"]} rows={running.length}>
    {running.map(({ step, done }) => (
      <Table.Tr key={step.id}>
        <Table.Td>
          {step.kind} {step.kind === "segment" ? step.ordinal : ""}
        </Table.Td>
        <Table.Td>{step.render_id}</Table.Td>
        <Table.Td>…{step.worker_id.slice(-10)}</Table.Td>
        <Table.Td>{secondsText(step.held_s)}</Table.Td>
        <Table.Td>
          <Progress.Root miw={120}>
            <Progress.Section value={(done ?? 0) * 100} aria-label={`Done of ${step.id}`} />
          </Progress.Root>
        </Table.Td>
      </Table.Tr>
    ))}
  </Named>
);

interface NamedProps {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: number;
  readonly children: ReactNode;
}

const Named = ({ title, columns, rows, children }: NamedProps) => (
  <Panel title={title} flush>
    {rows === 0 ? (
      <Text size="sm" c="dimmed" px="md" pb="md">
        None
      </Text>
    ) : (
      <Scrolling label={title}>
        <Table miw={640}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>{children}</Table.Tbody>
        </Table>
      </Scrolling>
    )}
  </Panel>
);
