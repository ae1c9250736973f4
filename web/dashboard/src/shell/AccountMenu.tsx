import { ActionIcon, Badge, Group, Menu, Text } from "@mantine/core";
import { IconBook, IconLogout, IconUser } from "@tabler/icons-react";
import { useClient } from "../client.js";
import { useSession } from "../session/session.js";
import { useMe } from "../session/useMe.js";

/** Who is signed in, what they may do, and the way out. */
export function AccountMenu() {
  const client = useClient();
  const { who, signOut } = useSession();
  const me = useMe();
  const leave = async () => {
    // A key stays good; a session ends, and when the server cannot be told the cookie ends by itself.
    if (who?.key === null) await client.call("POST", "/auth/logout").catch(() => undefined);
    signOut();
  };
  return (
    <Menu width={260} position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="light" size="lg" radius="xl" aria-label="Account">
          <IconUser size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} truncate c="var(--mantine-color-text)">
            {me.data?.email ?? "…"}
          </Text>
          <Group gap={6} mt={4}>
            <Badge variant="light">{me.data?.tier ?? "…"}</Badge>
            {me.data?.role === "admin" && (
              <Badge color="gray" variant="light">
                administrator
              </Badge>
            )}
          </Group>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component="a" href="/docs" leftSection={<IconBook size={16} aria-hidden />}>
          The API, to read and try
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
