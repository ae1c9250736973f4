import { Button, Group, Select } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconMovie, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";
import { useClient } from "../client.js";
import { useProjectId } from "../projects/useProjectId.js";
import { at, listOptions, rendersKey } from "../queries.js";
import type { Render } from "../types.js";
import { List } from "../ui/List.js";
import { Nothing } from "../ui/Nothing.js";
import { Page } from "../ui/Page.js";
import { RenderTable } from "./RenderTable.js";

const STATUSES = ["queued", "processing", "completed", "failed", "cancelled"];

export function RendersPage() {
  const client = useClient();
  const projectId = useProjectId();
  const [status, setStatus] = useState<string | null>(null);
  const filter = status === null ? [] : ([["status", status]] as const);
  const query = useInfiniteQuery(listOptions<Render>(client, rendersKey(projectId), at(projectId, "renders"), filter));
  const make = (
    <Button component={Link} to="../playground" relative="path" leftSection={<IconPlus size={18} aria-hidden />}>
      New render
    </Button>
  );
  return (
    <Page
      title="Renders"
      actions={
        <Group gap="xs">
          <Select
            aria-label="Show renders that are"
            placeholder="All of them"
            clearable
            clearButtonProps={{ "aria-label": "Show all" }}
            w={160}
            data={STATUSES}
            value={status}
            onChange={setStatus}
          />
          {make}
        </Group>
      }
    >
      <List
        query={query}
        nothing={
          <Nothing
            icon={IconMovie}
            title={status === null ? "No renders yet" : `No renders are ${status}`}
            text="The playground has an example to begin with; what the API is asked to render appears here by itself."
          >
            {make}
          </Nothing>
        }
      >
        {(renders) => <RenderTable renders={renders} />}
      </List>
    </Page>
  );
}
