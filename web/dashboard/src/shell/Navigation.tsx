import { NavLink, Stack, Text } from "@mantine/core";
import {
  IconActivity,
  IconBolt,
  IconCode,
  IconFolder,
  IconKey,
  IconMovie,
  IconPhoto,
  IconWebhook,
  type Icon,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "react-router";
import { useClient } from "../client.js";
import { projectOptions } from "../queries.js";
import styles from "./Navigation.module.css";
import { useMe } from "../session/useMe.js";

const OF_PROJECT: readonly (readonly [string, string, Icon])[] = [
  ["renders", "Renders", IconMovie],
  ["assets", "Assets", IconPhoto],
  ["playground", "Playground", IconCode],
  ["automations", "Automations", IconBolt],
  ["webhooks", "Webhooks", IconWebhook],
];

/** The pages; those of a project while one is open. */
export function Navigation() {
  const { pathname } = useLocation();
  const projectId = /^\/projects\/([^/]+)/.exec(pathname)?.[1];
  const me = useMe();
  return (
    <Stack gap={2}>
      <Entry to="/projects" label="Projects" icon={IconFolder} exact />
      {projectId !== undefined && <OfProject projectId={decodeURIComponent(projectId)} />}
      <Entry to="/keys" label="API keys" icon={IconKey} />
      {me.data?.role === "admin" && <Entry to="/admin" label="Queue and workers" icon={IconActivity} />}
    </Stack>
  );
}

function OfProject({ projectId }: { readonly projectId: string }) {
  const project = useQuery(projectOptions(useClient(), projectId));
  const base = `/projects/${encodeURIComponent(projectId)}`;
  return (
    <Stack gap={2} pl="sm" mb="xs" component="section" aria-label="Project">
      <Text size="xs" c="dimmed" fw={600} px="xs" pt="xs" truncate>
        {project.data?.name ?? projectId}
      </Text>
      {OF_PROJECT.map(([path, label, icon]) => (
        <Entry key={path} to={`${base}/${path}`} label={label} icon={icon} />
      ))}
    </Stack>
  );
}

interface EntryProps {
  readonly to: string;
  readonly label: string;
  readonly icon: Icon;
  readonly exact?: boolean;
}

function Entry({ to, label, icon: Sign, exact = false }: EntryProps) {
  const { pathname } = useLocation();
  const active = exact ? pathname === to : pathname === to || pathname.startsWith(`${to}/`);
  return (
    <NavLink
      className={styles.entry}
      component={Link}
      to={to}
      label={label}
      leftSection={<Sign size={18} stroke={1.7} aria-hidden />}
      active={active}
      aria-current={active ? "page" : undefined}
    />
  );
}
