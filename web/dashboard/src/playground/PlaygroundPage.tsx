import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { useClient } from "../client.js";
import { useProjectId } from "../projects/useProjectId.js";
import { renderOptions } from "../queries.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Page } from "../ui/Page.js";
import { Waiting } from "../ui/Waiting.js";
import { EXAMPLE } from "./example.js";
import { Playground } from "./Playground.js";
import { bodyOf, textOf } from "./request.js";

/** `?from=<render>` begins with what that render was asked for. */
export function PlaygroundPage() {
  const client = useClient();
  const projectId = useProjectId();
  const from = useSearchParams()[0].get("from");
  const render = useQuery({ ...renderOptions(client, projectId, from ?? ""), enabled: from !== null });
  if (from === null) return <Playground projectId={projectId} compositionId="timeline" text={textOf(EXAMPLE)} />;
  if (render.data !== undefined) {
    const { id, composition_id: compositionId } = render.data;
    return (
      <Playground key={id} projectId={projectId} compositionId={compositionId} text={textOf(bodyOf(render.data))} />
    );
  }
  return <Page title="Playground">{render.isError ? <FailureAlert failure={render.error} /> : <Waiting />}</Page>;
}
