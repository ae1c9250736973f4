import { Badge, Button, Group, Modal, Paper, Select, Stack, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { useClient } from "../client.js";
import { at, listOptions } from "../queries.js";
import { Moment } from "../time/Moment.js";
import type { Delivery } from "../types.js";
import { CopyText } from "../ui/CopyText.js";
import { List } from "../ui/List.js";
import { Nothing } from "../ui/Nothing.js";
import { Scrolling } from "../ui/Scrolling.js";
import { useAct } from "../ui/useAct.js";

const COLORS: Readonly<Record<Delivery["status"], string>> = { pending: "blue", delivered: "green", failed: "red" };
const LOOK_MS = 10_000;

/** What was sent where, and what came back; anything can be sent again. */
export function Deliveries({ projectId }: { readonly projectId: string }) {
  const client = useClient();
  const [status, setStatus] = useState<string | null>(null);
  const [shown, setShown] = useState<Delivery | null>(null);
  const filter = status === null ? [] : ([["status", status]] as const);
  const query = useInfiniteQuery({
    ...listOptions<Delivery>(client, ["deliveries", projectId], at(projectId, "deliveries"), filter),
    refetchInterval: LOOK_MS,
  });
  return (
    <Stack>
      <Group justify="flex-end">
        <Select
          aria-label="Show deliveries that are"
          placeholder="All of them"
          clearable
          clearButtonProps={{ "aria-label": "Show all" }}
          w={160}
          data={Object.keys(COLORS)}
          value={status}
          onChange={setStatus}
        />
      </Group>
      <List query={query} nothing={<Nothing icon={IconSend} title="Nothing was sent yet" />}>
        {(deliveries) => (
          <Paper withBorder bg="var(--surface)">
            <Scrolling label="Deliveries">
              <Table miw={760}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Event</Table.Th>
                    <Table.Th>State</Table.Th>
                    <Table.Th>Tries</Table.Th>
                    <Table.Th>Answer</Table.Th>
                    <Table.Th>When</Table.Th>
                    <Table.Th>Actions</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {deliveries.map((delivery) => (
                    <Row key={delivery.id} delivery={delivery} onShow={() => setShown(delivery)} />
                  ))}
                </Table.Tbody>
              </Table>
            </Scrolling>
          </Paper>
        )}
      </List>
      <Modal opened={shown !== null} onClose={() => setShown(null)} title={shown?.event_type} size="lg">
        {shown !== null && <Details delivery={shown} />}
      </Modal>
    </Stack>
  );
}

function Row({ delivery, onShow }: { readonly delivery: Delivery; readonly onShow: () => void }) {
  const client = useClient();
  const { project_id: projectId, id, status } = delivery;
  const replay = useAct(
    () => client.call("POST", `${at(projectId, "deliveries", id)}/replay`),
    [["deliveries", projectId]],
  );
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600}>
          {delivery.event_type}
        </Text>
        <Text size="xs" c="dimmed" maw={260} truncate>
          {delivery.url}
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge variant="light" color={COLORS[status]}>
          {status}
        </Badge>
      </Table.Td>
      <Table.Td>{delivery.attempts}</Table.Td>
      <Table.Td>
        <Text size="sm" maw={220} truncate>
          {delivery.response_status ?? delivery.error ?? "–"}
        </Text>
      </Table.Td>
      <Table.Td>
        <Moment at={delivery.created_at} relative />
        {status === "pending" && delivery.next_attempt_at !== null && (
          <Text size="xs" c="dimmed">
            next <Moment at={delivery.next_attempt_at} relative />
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Group gap={6} wrap="nowrap">
          <Button size="compact-sm" variant="default" onClick={onShow} aria-label={`Show ${delivery.id}`}>
            Show
          </Button>
          <Button
            size="compact-sm"
            variant="light"
            loading={replay.isPending}
            onClick={() => replay.mutate()}
            aria-label={`Replay ${delivery.id}`}
          >
            Replay
          </Button>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function Details({ delivery }: { readonly delivery: Delivery }) {
  return (
    <Stack>
      <Text size="sm">
        To {delivery.url}
        {delivery.duration_ms !== null && `, answered in ${delivery.duration_ms} ms`}
      </Text>
      <CopyText text={JSON.stringify(delivery.payload, null, 2)} label="what was sent" />
      {delivery.response_body !== null && delivery.response_body !== "" && (
        <>
          <Text size="sm">Answer {delivery.response_status}</Text>
          <CopyText text={delivery.response_body} label="the answer" />
        </>
      )}
      {delivery.error !== null && (
        <Text size="sm" c="var(--mantine-color-error)">
          {delivery.error}
        </Text>
      )}
    </Stack>
  );
}
