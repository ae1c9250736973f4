import { useQuery } from "@tanstack/react-query";
import { useClient } from "../client.js";
import type { Me } from "../types.js";

/** The account behind the session, with its limits. */
export function useMe() {
  const client = useClient();
  return useQuery({ queryKey: ["me"], queryFn: ({ signal }) => client.call<Me>("GET", "/me", { signal }) });
}
