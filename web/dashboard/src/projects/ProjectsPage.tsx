import { Button, Card, Group, Menu, ActionIcon, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconDots, IconFolder, IconPencil, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";
import { useClient } from "../client.js";
import { listOptions } from "../queries.js";
import { Moment } from "../time/Moment.js";
import type { Project } from "../types.js";
import { List } from "../ui/List.js";
import { Nothing } from "../ui/Nothing.js";
import { Page } from "../ui/Page.js";
import { DeleteProject } from "./DeleteProject.js";
import { ProjectForm } from "./ProjectForm.js";
import styles from "./ProjectsPage.module.css";

export function ProjectsPage() {
  const client = useClient();
  const query = useInfiniteQuery(listOptions<Project>(client, ["projects"], "/projects"));
  const [opened, { open, close }] = useDisclosure(false);
  const make = (
    <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={open}>
      New project
    </Button>
  );
  return (
    <Page title="Projects" text="A project has its assets, renders, automations and webhooks" actions={make}>
      <ProjectForm opened={opened} onClose={close} />
      <List
        query={query}
        nothing={
          <Nothing
            icon={IconFolder}
            title="No projects yet"
            text="Make one, bring some media, and render a first film."
          >
            {make}
          </Nothing>
        }
      >
        {(projects) => (
          <ul className={styles.grid}>
            {projects.map((project) => (
              <ProjectCard key={project.id} project={project} />
            ))}
          </ul>
        )}
      </List>
    </Page>
  );
}

function ProjectCard({ project }: { readonly project: Project }) {
  const [renaming, { open, close }] = useDisclosure(false);
  const [deleting, setDeleting] = useState(false);
  return (
    <Card component="li" withBorder className={styles.card}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Link to={`/projects/${project.id}/renders`} className={styles.link}>
          {project.name}
        </Link>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={`More of ${project.name}`} className={styles.more}>
              <IconDots size={18} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={open}>
              Rename
            </Menu.Item>
            <Menu.Item color="red" onClick={() => setDeleting(true)}>
              Delete…
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
      <Text size="sm" c="dimmed" lineClamp={2} mih={20}>
        {project.description}
      </Text>
      <Group justify="space-between" mt="md" gap="xs">
        <Text size="sm">
          {project.render_count} {project.render_count === 1 ? "render" : "renders"}, {project.asset_count}{" "}
          {project.asset_count === 1 ? "asset" : "assets"}
        </Text>
        <Text size="sm" c="dimmed">
          <Moment at={project.updated_at} relative />
        </Text>
      </Group>
      <ProjectForm opened={renaming} onClose={close} project={project} />
      <DeleteProject opened={deleting} onClose={() => setDeleting(false)} project={project} />
    </Card>
  );
}
