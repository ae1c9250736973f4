import { ActionIcon, Anchor, Drawer, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconMenu2 } from "@tabler/icons-react";
import { Suspense, useEffect } from "react";
import { Link, Outlet, useLocation } from "react-router";
import { Waiting } from "../ui/Waiting.js";
import { Owl } from "../ui/Owl.js";
import { AccountMenu } from "./AccountMenu.js";
import { Navigation } from "./Navigation.js";
import { SchemeToggle } from "./SchemeToggle.js";
import { ZonePicker } from "./ZonePicker.js";
import styles from "./Shell.module.css";

/** What is around every page: where one can go, and how it is shown. */
export function Shell() {
  const [opened, { open, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  useEffect(close, [close, pathname]);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to the page
      </a>
      <header className={styles.header}>
        <Group gap="sm" wrap="nowrap">
          <ActionIcon
            className={styles.burger}
            variant="subtle"
            color="gray"
            size="lg"
            aria-label="Menu"
            onClick={open}
          >
            <IconMenu2 aria-hidden />
          </ActionIcon>
          <Anchor component={Link} to="/" underline="never" className={styles.brand} aria-label="RenderOwl, projects">
            <Owl size={30} />
            <Text fw={700} c="var(--mantine-color-text)">
              RenderOwl
            </Text>
          </Anchor>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <ZonePicker />
          <SchemeToggle />
          <AccountMenu />
        </Group>
      </header>
      <nav className={styles.side} aria-label="Pages">
        <Navigation />
      </nav>
      <Drawer opened={opened} onClose={close} size="xs" title="RenderOwl">
        <nav aria-label="Pages">
          <Navigation />
        </nav>
      </Drawer>
      <main id="main" className={styles.main} tabIndex={-1}>
        <Suspense fallback={<Waiting />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  );
}
