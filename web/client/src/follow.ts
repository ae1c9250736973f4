/** A render from its submission, or from wherever it is, to its end. */

import { randomRef, type Http } from "./http.js";
import type { Progress, RenderState, RoomMessage } from "./messages.js";
import type { Room } from "./room.js";
import type { Render, RenderRequest } from "./types.js";

/** The render failed: `render.error` says why. */
export class RenderFailed extends Error {
  override readonly name = "RenderFailed";
  readonly render: Render;
  readonly code: string;
  readonly retryable: boolean;

  constructor(render: Render) {
    super(render.error === null ? "the render failed" : `${render.error.code}: ${render.error.message}`);
    this.render = render;
    this.code = render.error?.code ?? "unknown";
    this.retryable = render.error?.retryable ?? false;
  }
}

/** The render was cancelled, by whomever. */
export class RenderCancelled extends Error {
  override readonly name = "RenderCancelled";
  readonly render: Render;

  constructor(render: Render) {
    super(`${render.id} was cancelled`);
    this.render = render;
  }
}

export interface FollowOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Everything that the room says about the render. */
  readonly onMessage?: ((message: RoomMessage) => void) | undefined;
  /** Follow no longer. */
  readonly signal?: AbortSignal | undefined;
}

export interface RenderOptions extends FollowOptions {
  /** The request's name: submitting with it again makes no second render. Drawn unless given. */
  readonly idempotencyKey?: string | undefined;
  /** What becomes of the render when `signal` aborts: it is cancelled unless you say `leave`. */
  readonly onAbort?: "cancel" | "leave" | undefined;
}

/** Submit a render and follow it to its end. */
export async function render(
  http: Http,
  projectId: string,
  spec: RenderRequest,
  options: RenderOptions,
  enter: (renderId: string) => Room,
): Promise<Render> {
  options.signal?.throwIfAborted();
  const renders = `/projects/${encodeURIComponent(projectId)}/renders`;
  // Without the signal: when it aborts now, nobody would know whether there is a render to cancel.
  const headers = { "idempotency-key": options.idempotencyKey ?? randomRef() };
  const made = await http.call<Render>("POST", renders, { body: spec, headers, repeatable: true });
  try {
    return await follow(http, projectId, made.id, options, enter);
  } catch (error) {
    if (options.signal?.aborted && options.onAbort !== "leave") {
      // It may have ended meanwhile: then there is nothing to cancel.
      await http.call("POST", `${renders}/${made.id}/cancel`).catch(() => undefined);
    }
    throw error;
  }
}

/** Follow a render to its end. Raises RenderFailed, RenderCancelled, the signal's reason, or Problem. */
export async function follow(
  http: Http,
  projectId: string,
  renderId: string,
  options: FollowOptions,
  enter: (renderId: string) => Room,
): Promise<Render> {
  const { signal } = options;
  signal?.throwIfAborted();
  const path = `/projects/${encodeURIComponent(projectId)}/renders/${encodeURIComponent(renderId)}`;
  const room = enter(renderId);
  const leave = () => room.close();
  signal?.addEventListener("abort", leave, { once: true });
  try {
    for await (const message of room) {
      options.onMessage?.(message);
      const seen = message.type === "snapshot" ? stateOf(message.renders, renderId) : message;
      // One that ended long ago is in no snapshot.
      const state = seen ?? (await http.call<Render>("GET", path, { signal }));
      const progress = progressOf(state);
      if (progress !== null) options.onProgress?.(progress);
      if (isOver(state)) return outcome(await http.call<Render>("GET", path, { signal }));
    }
    signal?.throwIfAborted();
    throw new DOMException("the room was left", "AbortError");
  } finally {
    signal?.removeEventListener("abort", leave);
    room.close();
  }
}

function stateOf(renders: readonly RenderState[], renderId: string): RenderState | undefined {
  return renders.find((state) => state.id === renderId);
}

const ENDS: ReadonlySet<string> = new Set(["render.completed", "render.failed", "render.cancelled"]);

function isOver(seen: RenderState | Render | RoomMessage): boolean {
  return "type" in seen ? ENDS.has(seen.type) : ["completed", "failed", "cancelled"].includes(seen.status);
}

function progressOf(seen: RenderState | Render | RoomMessage): Progress | null {
  if (!("type" in seen)) return seen.progress;
  if (seen.type === "render.progress") return seen.data;
  return seen.type === "render.completed" ? seen.data.progress : null;
}

function outcome(ended: Render): Render {
  if (ended.status === "failed") throw new RenderFailed(ended);
  if (ended.status === "cancelled") throw new RenderCancelled(ended);
  return ended;
}
