import { useQuery } from "@tanstack/react-query";
import { previewKey } from "../queries.js";
import type { Preview } from "../room/hear.js";

/** The newest picture that the room showed of a render; null while there was none. */
export function usePreview(renderId: string): Preview | null {
  const { data } = useQuery<Preview | null>({
    queryKey: previewKey(renderId),
    queryFn: () => null,
    enabled: false, // nobody asks for it: it is heard
    staleTime: Infinity,
  });
  return data ?? null;
}
