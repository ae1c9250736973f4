/** What is asked of the server, by the names under which the answers are kept. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { Client } from "@renderowl/client";
import type { Schema } from "./editor/schema.js";
import type { Page, Project, Render, StepTimes } from "./types.js";

export const at = (projectId: string, ...rest: readonly string[]) =>
  ["/projects", projectId, ...rest].map((part, index) => (index === 0 ? part : encodeURIComponent(part))).join("/");

/** All pages of a list that were asked for, newest first. */
export function listOptions<Item>(
  client: Client,
  queryKey: readonly unknown[],
  path: string,
  query: readonly (readonly [string, string])[] = [],
) {
  return infiniteQueryOptions({
    queryKey: [...queryKey, "list", ...query.flat()],
    queryFn: ({ pageParam, signal }) =>
      client.call<Page<Item>>("GET", path, {
        signal,
        query: pageParam === null ? query : [...query, ["cursor", pageParam]],
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

export const projectOptions = (client: Client, projectId: string) =>
  queryOptions({
    queryKey: ["project", projectId],
    queryFn: ({ signal }) => client.call<Project>("GET", at(projectId), { signal }),
  });

export const rendersKey = (projectId: string) => ["renders", projectId] as const;
export const renderKey = (projectId: string, renderId: string) => ["render", projectId, renderId] as const;
export const previewKey = (renderId: string) => ["preview", renderId] as const;

export const renderOptions = (client: Client, projectId: string, renderId: string) =>
  queryOptions({
    queryKey: renderKey(projectId, renderId),
    queryFn: ({ signal }): Promise<Render> => client.getRender(projectId, renderId, { signal }),
  });

export const stepsOptions = (client: Client, projectId: string, renderId: string) =>
  queryOptions({
    queryKey: [...renderKey(projectId, renderId), "steps"],
    queryFn: ({ signal }) =>
      client.call<{ items: StepTimes[] }>("GET", at(projectId, "renders", renderId, "steps"), { signal }),
  });

export const schemaOptions = (client: Client, compositionId: string) =>
  queryOptions({
    queryKey: ["schema", compositionId],
    queryFn: ({ signal }) =>
      client.call<Schema>("GET", `/compositions/${encodeURIComponent(compositionId)}/schema`, { signal }),
    staleTime: Infinity,
  });
