/** What a request would do, asked of the server without doing it. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useClient } from "../client.js";
import { at } from "../queries.js";
import type { Plan, RenderRequest } from "../types.js";

/** `when` is part of what is asked: the cache changes what is to be done. */
export function usePlan(projectId: string, spec: RenderRequest | null, when = "") {
  const client = useClient();
  return useQuery({
    queryKey: ["plan", projectId, spec, when],
    queryFn: ({ signal }): Promise<Plan> => client.planRender(projectId, spec ?? { composition_id: "" }, { signal }),
    enabled: spec !== null,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
}

export function usePlanPicture(projectId: string, spec: RenderRequest | null, when = "") {
  const client = useClient();
  return useQuery({
    queryKey: ["plan picture", projectId, spec, when],
    queryFn: ({ signal }) =>
      client.text("POST", at(projectId, "renders", "plan"), {
        signal,
        body: spec,
        headers: { accept: "image/svg+xml" },
        repeatable: true,
      }),
    enabled: spec !== null,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
}
