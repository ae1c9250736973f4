import { useQuery } from "@tanstack/react-query";
import { useClient } from "../client.js";
import { at } from "../queries.js";
import type { Asset } from "../types.js";

/** A URL that serves an asset's bytes for an hour. */
export function useAssetUrl(asset: Asset, enabled: boolean) {
  const client = useClient();
  return useQuery({
    queryKey: ["asset url", asset.id],
    queryFn: ({ signal }) =>
      client.call<{ url: string }>("GET", at(asset.project_id, "assets", asset.id, "download"), { signal }),
    enabled,
    staleTime: 30 * 60_000,
  });
}
