import { Button } from "@mantine/core";
import { IconEdit, IconRefresh } from "@tabler/icons-react";
import { Link } from "react-router";
import { useClient } from "../client.js";
import { renderKey, rendersKey } from "../queries.js";
import type { Render } from "../types.js";
import { ConfirmButton } from "../ui/ConfirmButton.js";
import { useAct } from "../ui/useAct.js";
import { isActive } from "./status.js";

/** Cancel, retry, render again with changes: what its state allows. */
export function RenderActions({ render }: { readonly render: Render }) {
  const client = useClient();
  const { project_id: projectId, id } = render;
  const changes = [renderKey(projectId, id), rendersKey(projectId)];
  const cancel = useAct(() => client.cancelRender(projectId, id), changes, { quiet: true });
  const retry = useAct(() => client.retryRender(projectId, id), changes);
  return (
    <>
      {isActive(render) && (
        <ConfirmButton
          question="Cancel the render?"
          text="It stops wherever it is. What was encoded stays in the cache."
          verb="Cancel it"
          onConfirm={() => cancel.mutateAsync()}
        >
          Cancel
        </ConfirmButton>
      )}
      {render.status === "failed" && (
        <Button
          variant="default"
          leftSection={<IconRefresh size={18} aria-hidden />}
          loading={retry.isPending}
          onClick={() => retry.mutate()}
        >
          Retry
        </Button>
      )}
      <Button
        component={Link}
        to={`/projects/${projectId}/playground?from=${id}`}
        leftSection={<IconEdit size={18} aria-hidden />}
      >
        Render again with changes
      </Button>
    </>
  );
}
