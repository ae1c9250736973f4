/** What a lost connection means for the client: the tables of docs/clients.md. */

import type { RoomError } from "./messages.js";
import { Problem } from "./problem.js";

/**
 * Why a link is gone.
 *
 * - `closed`: the socket was closed with this code.
 * - `refused`: the request was answered with a problem document, or with a proxy's page (code `unknown`).
 * - `broken`: it was there, or seemed to be, and is not any more.
 * - `unmade`: there was nobody to talk to. Says nothing about the transport.
 * - `impassable`: something in between does not let this transport through.
 */
export type Cause =
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  | { readonly kind: "refused"; readonly problem: Problem }
  | { readonly kind: "broken" | "unmade" | "impassable" };

/**
 * - `stop`: coming back is of no use.
 * - `refresh`: come back with another token.
 * - `deploy`: after a little jitter; the server is being replaced.
 * - `later`: after what the server asks for.
 * - `again`: soon, longer each time.
 */
export type Verdict = "stop" | "refresh" | "deploy" | "later" | "again";

/** By close code; every other code is a connection that broke. */
export const CLOSE_CODES: ReadonlyMap<number, Verdict> = new Map([
  [4400, "stop"],
  [4401, "refresh"],
  [4403, "stop"],
  [4404, "stop"],
  [4408, "again"],
  [4429, "later"],
  [1012, "deploy"],
  [1013, "again"],
]);

/** What to do about a cause. */
export function verdictOf(cause: Cause): Verdict {
  if (cause.kind === "closed") return CLOSE_CODES.get(cause.code) ?? "again";
  if (cause.kind !== "refused") return "again";
  const { status, code } = cause.problem;
  if (status === 401) return "refresh";
  if (status === 429) return "later";
  return status >= 500 || code === "unknown" ? "again" : "stop";
}

/** From this on a transport is left for the next. */
export const ENOUGH = 6;

/** How much a loss says against the transport: a break twice in a row, nobody there three times, a wrong page at once. */
export function weightOf(cause: Cause): number {
  switch (cause.kind) {
    case "closed":
      return CLOSE_CODES.has(cause.code) ? 0 : 3;
    case "broken":
      return 3;
    case "unmade":
      return 2;
    case "impassable":
      return ENOUGH;
    case "refused": {
      const { status, code } = cause.problem;
      if ([502, 503, 504].includes(status)) return 2;
      return code === "unknown" && status !== 429 ? ENOUGH : 0;
    }
  }
}

/** Why a room ended, as the server said it. */
export function problemFrom(cause: Cause, error: RoomError | null): Problem {
  if (cause.kind === "refused") return cause.problem;
  const { code, reason } = cause.kind === "closed" ? cause : { code: 0, reason: "" };
  return new Problem({
    status: code >= 4000 ? code - 4000 : 503,
    code: error?.code ?? "closed",
    detail: error?.message ?? reason,
    errors: error?.errors ?? [],
  });
}
