/** What a room says, put where the pages look: into the answers that are kept of the API. */

import type { RenderPreview, RenderState, RoomMessage } from "@renderowl/client";
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { previewKey, renderKey, rendersKey } from "../queries.js";
import type { Page, Render } from "../types.js";

/** A picture of what is being encoded. */
export interface Preview {
  readonly url: string;
  readonly timeS: number;
}

export function hear(queries: QueryClient, projectId: string, message: RoomMessage): void {
  switch (message.type) {
    case "snapshot":
      for (const state of message.renders) patch(queries, projectId, state.id, factsOf(state));
      // What is older than the snapshot tells, or was made while nobody heard, is asked for anew.
      refresh(queries, [rendersKey(projectId), ["render", projectId], ["assets", projectId]]);
      break;
    case "render.progress":
      patch(queries, projectId, message.render_id, { progress: message.data });
      break;
    case "render.preview":
      queries.setQueryData(previewKey(message.render_id), previewOf(message.data));
      break;
    case "render.queued":
    case "render.started":
    case "render.completed":
    case "render.failed":
    case "render.cancelled":
    case "render.retrying":
    case "render.playable":
      hearOfRender(queries, projectId, message);
      break;
    case "asset.ready":
    case "asset.failed":
      refresh(queries, [
        ["assets", projectId],
        ["project", projectId],
      ]);
      break;
    case "automation.executed":
      refresh(queries, [["automations", projectId]]);
      break;
    case "webhook.disabled":
      refresh(queries, [["webhooks", projectId]]);
      break;
    default:
  }
}

type RenderMessage = Extract<RoomMessage, { type: `render.${string}`; seq: number }>;

function hearOfRender(queries: QueryClient, projectId: string, message: RenderMessage): void {
  const { render_id: id, data, type } = message;
  if ("progress" in data) patch(queries, projectId, id, { status: data.status, progress: data.progress });
  if (type === "render.queued" || type === "render.started") queries.removeQueries({ queryKey: previewKey(id) });
  const ended = type === "render.completed" || type === "render.failed" || type === "render.cancelled";
  refresh(queries, [renderKey(projectId, id)]);
  if (type === "render.queued") refresh(queries, [rendersKey(projectId), ["project", projectId]]);
  if (ended) refresh(queries, [rendersKey(projectId), ["deliveries", projectId]]);
}

function previewOf({ content_type, base64, time_s }: RenderPreview["data"]): Preview {
  return { url: `data:${content_type};base64,${base64}`, timeS: time_s };
}

/** What a snapshot knows of a render, in the words of the API. */
function factsOf(state: RenderState): Partial<Render> {
  const { status, attempt, progress } = state;
  return { status, attempt, progress };
}

type Renders = InfiniteData<Page<Render>, string | null>;

function patch(queries: QueryClient, projectId: string, renderId: string, facts: Partial<Render>): void {
  queries.setQueryData<Render>(renderKey(projectId, renderId), (render) => render && { ...render, ...facts });
  queries.setQueriesData<Renders>(
    { queryKey: rendersKey(projectId) },
    (known) => known && patched(known, renderId, facts),
  );
}

function patched(known: Renders, renderId: string, facts: Partial<Render>): Renders {
  const pages = known.pages.map((page) =>
    page.items.some(({ id }) => id === renderId)
      ? { ...page, items: page.items.map((item) => (item.id === renderId ? { ...item, ...facts } : item)) }
      : page,
  );
  return { ...known, pages };
}

function refresh(queries: QueryClient, keys: readonly (readonly unknown[])[]): void {
  for (const queryKey of keys) void queries.invalidateQueries({ queryKey });
}
