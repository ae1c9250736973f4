/** Commands over HTTP, for rooms without a socket and for specs that are too large for a frame. */

import type { Answer } from "./actions.js";
import { pause, type Http } from "./http.js";
import type { Ack, CommandMessage, RoomError } from "./messages.js";
import { Problem } from "./problem.js";
import type { Render } from "./types.js";

interface Where {
  readonly http: Http;
  readonly projectId: string;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Carry a command out, again and again while the server is away and it is `wanted`. */
export async function performCommand(where: Where, message: CommandMessage, wanted: () => boolean): Promise<Ack> {
  for (let tries = 0; ; tries++) {
    try {
      return await request(where, message);
    } catch (error) {
      const refused = error instanceof Problem && error.status < 500 && error.status !== 429;
      if (refused && error.code === "conflict" && tries > 0) return carriedOut(where, message, error);
      if (refused || !wanted()) throw error;
    }
    await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random() / 2));
  }
}

/**
 * A command that was given before, and whose answer got lost, is refused as a conflict when it had been carried out.
 * Raises Problem with what the socket said when it had not.
 */
export async function lookAtConflict(
  where: Where,
  message: CommandMessage,
  answer: Answer,
  resent: boolean,
): Promise<Ack> {
  const problem = problemOf(answer as RoomError);
  if (resent && problem.code === "conflict") return carriedOut(where, message, problem);
  throw problem;
}

async function carriedOut(where: Where, message: CommandMessage, problem: Problem): Promise<Ack> {
  if (message.type === "render.create") throw problem;
  const render = await where.http.call<Render>("GET", pathOf(where, message.render_id));
  const done = message.type === "render.cancel" ? render.status === "cancelled" : render.status !== "failed";
  if (!done) throw problem;
  return ackOf(message, render, true);
}

async function request({ http, projectId }: Where, message: CommandMessage): Promise<Ack> {
  if (message.type !== "render.create") {
    const verb = message.type === "render.cancel" ? "cancel" : "retry";
    const path = `${pathOf({ http, projectId }, message.render_id)}/${verb}`;
    return ackOf(message, await http.call<Render>("POST", path), false);
  }
  const headers = { "idempotency-key": message.ref };
  const path = pathOf({ http, projectId });
  const response = await http.request("POST", path, { body: message.data, headers, repeatable: true });
  const render = (await response.json()) as Render;
  return ackOf(message, render, response.headers.get("idempotency-replayed") === "true");
}

function pathOf({ projectId }: Where, renderId?: string): string {
  const renders = `/projects/${encodeURIComponent(projectId)}/renders`;
  return renderId === undefined ? renders : `${renders}/${encodeURIComponent(renderId)}`;
}

function ackOf(message: CommandMessage, render: Render, deduplicated: boolean): Ack {
  return { type: "ack", ref: message.ref, render_id: render.id, status: render.status, deduplicated };
}

/** A socket says no HTTP status. */
function problemOf(error: RoomError): Problem {
  const { code, message, errors = [], retry_after_s } = error;
  return new Problem({ status: 0, code, detail: message, errors }, retry_after_s ?? undefined);
}
