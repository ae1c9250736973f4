import { Badge, Button, Group, Paper, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useClient } from "../client.js";
import { listOptions } from "../queries.js";
import { Moment } from "../time/Moment.js";
import type { Key } from "../types.js";
import { List } from "../ui/List.js";
import { Nothing } from "../ui/Nothing.js";
import { Page } from "../ui/Page.js";
import { Scrolling } from "../ui/Scrolling.js";
import { SecretOnce } from "../ui/SecretOnce.js";
import { KeyActions } from "./KeyActions.js";
import { KeyForm } from "./KeyForm.js";

export function KeysPage() {
  const client = useClient();
  const query = useInfiniteQuery(listOptions<Key>(client, ["keys"], "/keys"));
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const make = (
    <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setMaking(true)}>
      New key
    </Button>
  );
  return (
    <Page
      title="API keys"
      text="For programs: what they may do, until when, and what they were used for"
      actions={make}
    >
      <KeyForm opened={making} onClose={() => setMaking(false)} onMade={setSecret} />
      <SecretOnce title="The new key" secret={secret} onClose={() => setSecret(null)} />
      <List query={query} nothing={<Nothing icon={IconKey} title="No keys yet" children={make} />}>
        {(keys) => (
          <Paper withBorder bg="var(--surface)">
            <Scrolling label="API keys">
              <Table miw={760}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Name</Table.Th>
                    <Table.Th>May</Table.Th>
                    <Table.Th>Last used</Table.Th>
                    <Table.Th>Ends</Table.Th>
                    <Table.Th>
                      <Text span size="sm" fw={700}>
                        Actions
                      </Text>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {keys.map((key) => (
                    <Row key={key.id} apiKey={key} onSecret={setSecret} />
                  ))}
                </Table.Tbody>
              </Table>
            </Scrolling>
          </Paper>
        )}
      </List>
    </Page>
  );
}

function Row({ apiKey: key, onSecret }: { readonly apiKey: Key; readonly onSecret: (secret: string) => void }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600}>
          {key.name}
        </Text>
        <Text size="xs" c="dimmed">
          …{key.last_four}, made <Moment at={key.created_at} />
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {key.scopes.map((scope) => (
            <Badge key={scope} variant="light" color="gray">
              {scope}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>{key.last_used_at == null ? "never" : <Moment at={key.last_used_at} relative />}</Table.Td>
      <Table.Td>
        {key.revoked_at != null ? (
          <Badge color="red" variant="light">
            revoked
          </Badge>
        ) : key.expires_at == null ? (
          "never"
        ) : (
          <Moment at={key.expires_at} />
        )}
      </Table.Td>
      <Table.Td>
        <KeyActions apiKey={key} onSecret={onSecret} />
      </Table.Td>
    </Table.Tr>
  );
}
