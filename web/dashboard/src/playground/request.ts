/** What is typed in the playground, as a request. */

import type { Render, RenderRequest } from "../types.js";

export type Body = Pick<RenderRequest, "input_props" | "output_settings">;

export const textOf = (body: unknown) => JSON.stringify(body, null, 2);

/** The text as a request; null while it is no JSON object. */
export function requestOf(compositionId: string, text: string): RenderRequest | null {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || Array.isArray(body)) return null;
    return { ...body, composition_id: compositionId };
  } catch {
    return null;
  }
}

export const bodyOf = ({ input_props, output_settings }: Render): Body => ({ input_props, output_settings });

const PLAYS = new Set(["mp4", "mov", "hls", undefined]);

/** The same, to be watched while it is made, where the format can be. */
export function watchable(request: RenderRequest): RenderRequest {
  const settings = request.output_settings ?? {};
  const { format, preview } = settings as { format?: string; preview?: object };
  if (!PLAYS.has(format)) return request;
  return { ...request, output_settings: { ...settings, preview: { hls: true, ...preview } } };
}
