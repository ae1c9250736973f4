/** What a lost connection means for the client: the table of close codes of docs/realtime.md, and the same for HTTP. */

import type { Problem } from "./problem.js";

/** Why a link is gone: the server closed the socket, it refused the request, or it simply broke. */
export type Cause =
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  | { readonly kind: "refused"; readonly problem: Problem }
  | { readonly kind: "broken" };

/**
 * - `stop`: coming back is of no use.
 * - `refresh`: with another token.
 * - `deploy`: after a little jitter; the server is being replaced.
 * - `later`: after what the server asks for.
 * - `back off`: after a second at least, longer each time.
 * - `again`: soon, longer each time.
 * - `unusable`: something between here and the server does not pass this transport.
 */
export type Verdict = "stop" | "refresh" | "deploy" | "later" | "back off" | "again" | "unusable";

/** By close code; every other code is a connection that broke. */
export const CLOSE_CODES: ReadonlyMap<number, Verdict> = new Map([
  [4400, "stop"],
  [4401, "refresh"],
  [4403, "stop"],
  [4404, "stop"],
  [4408, "again"],
  [4429, "later"],
  [1012, "deploy"],
  [1013, "back off"],
]);

/** What to do about a cause. */
export function verdictOf(cause: Cause): Verdict {
  if (cause.kind === "broken") return "again";
  if (cause.kind === "closed") return CLOSE_CODES.get(cause.code) ?? "again";
  const { status, code } = cause.problem;
  if (status === 401) return "refresh";
  if (status === 429 || status === 503) return "later";
  if (status >= 500) return "again";
  // What RenderOwl refuses it explains; a refusal without its code is a proxy's.
  return code === "unknown" || code === "not_acceptable" || code === "method_not_allowed" ? "unusable" : "stop";
}
