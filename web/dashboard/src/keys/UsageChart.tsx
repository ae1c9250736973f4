import { Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useClient } from "../client.js";
import type { KeyUsage } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Scrolling } from "../ui/Scrolling.js";
import { Waiting } from "../ui/Waiting.js";
import { daysOf, routesOf } from "./usage.js";
import styles from "./UsageChart.module.css";

const DAYS = 30;
const MOST_ROUTES = 10;

/** A bar for each of the last days, the refused requests in red; then the routes. */
export function UsageChart({ keyId }: { readonly keyId: string }) {
  const client = useClient();
  const [today] = useState(() => new Date());
  const { data, error } = useQuery({
    queryKey: ["usage", keyId],
    queryFn: ({ signal }) =>
      client.call<KeyUsage>("GET", `/keys/${keyId}/usage`, { signal, query: [["days", String(DAYS)]] }),
  });
  if (data === undefined) return error === null ? <Waiting /> : <FailureAlert failure={error} />;
  const days = daysOf(data, DAYS, today);
  const most = Math.max(1, ...days.map(({ requests }) => requests));
  return (
    <Stack>
      <Text size="sm">
        {data.requests} requests in {DAYS} days, {data.errors} of them refused or failed
      </Text>
      <ol className={styles.chart} aria-label="Requests by day">
        {days.map(({ day, requests, errors }) => (
          <li key={day} className={styles.day} title={`${day}: ${requests} requests, ${errors} errors`}>
            <span className={styles.bar} style={{ height: `${(requests / most) * 100}%` }}>
              <span className={styles.errors} style={{ height: `${(errors / Math.max(1, requests)) * 100}%` }} />
            </span>
            <span className={styles.words}>
              {day}: {requests} requests, {errors} errors
            </span>
          </li>
        ))}
      </ol>
      <div className={styles.axis}>
        <Text size="xs" c="dimmed">
          {days[0]?.day}
        </Text>
        <Text size="xs" c="dimmed">
          today (UTC)
        </Text>
      </div>
      {data.requests > 0 && (
        <Scrolling label="Requests by route">
          <Table verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Route</Table.Th>
                <Table.Th ta="right">Requests</Table.Th>
                <Table.Th ta="right">Errors</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {routesOf(data)
                .slice(0, MOST_ROUTES)
                .map(({ route, requests, errors }) => (
                  <Table.Tr key={route}>
                    <Table.Td>{route}</Table.Td>
                    <Table.Td ta="right">{requests}</Table.Td>
                    <Table.Td ta="right">{errors}</Table.Td>
                  </Table.Tr>
                ))}
            </Table.Tbody>
          </Table>
        </Scrolling>
      )}
    </Stack>
  );
}
