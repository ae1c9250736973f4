/** A room over a WebSocket. */

import type { Http } from "../http.js";
import { readMessage } from "../messages.js";
import { Problem } from "../problem.js";
import type { Cause } from "../verdict.js";
import { until, type Link, type LinkEvents } from "./link.js";

/** What is needed of a WebSocket: a browser's, Node's own since 22, or that of the package `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/**
 * How a socket says who is calling: `subprotocol` puts the token beside the protocol's name, `ticket` asks for a one-time
 * ticket first. The token is never part of the URL.
 */
export type SocketAuth = "subprotocol" | "ticket";

const SUBPROTOCOL = "renderowl.v1";
const OPEN = 1;

export function openSocket(
  http: Http,
  projectId: string,
  socketClass: WebSocketConstructor,
  auth: SocketAuth,
  listener: LinkEvents,
): Link {
  const { events, over, isOver } = until(listener);
  let socket: WebSocketLike | null = null;
  const open = async () => {
    const url = `${http.baseUrl.replace(/^http/, "ws")}/ws/projects/${encodeURIComponent(projectId)}/renders`;
    const [query, protocols] = auth === "ticket" ? await withTicket(http, projectId) : await withToken(http);
    if (isOver()) return;
    socket = new socketClass(url + query, protocols);
    listen(socket);
  };
  const listen = (opened: WebSocketLike) => {
    let cause: Cause = { kind: "broken" };
    opened.binaryType = "arraybuffer";
    opened.onopen = () => events.opened();
    opened.onmessage = (event: { data: unknown }) => {
      const message = typeof event.data === "string" ? readMessage(event.data) : null;
      if (message === null) events.alive();
      else events.heard(message, null);
    };
    opened.onerror = (event: { message?: string }) => (cause = causeOf(event.message ?? ""));
    opened.onclose = (event: { code: number; reason: string }) =>
      events.lost(event.code === 1006 ? cause : { kind: "closed", code: event.code, reason: event.reason });
  };
  open().catch((error: unknown) => events.lost(failureOf(error)));
  return {
    send(message) {
      if (socket?.readyState === OPEN) socket.send(JSON.stringify(message));
    },
    drop() {
      over();
      if (socket === null) return;
      socket.onerror = () => undefined; // closing while it connects is an error to some
      socket.close(1000);
    },
  };
}

/** Why a request for a token or ticket, or a fetch, did not succeed. */
export function failureOf(error: unknown): Cause {
  return error instanceof Problem ? { kind: "refused", problem: error } : { kind: "unmade" };
}

/** Browsers do not say why a socket failed; the package `ws` does. */
function causeOf(message: string): Cause {
  const answered = /Unexpected server response: (\d+)/.exec(message);
  if (answered !== null) return { kind: ["502", "503", "504"].includes(answered[1] ?? "") ? "unmade" : "impassable" };
  return { kind: /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH/.test(message) ? "unmade" : "broken" };
}

async function withToken(http: Http): Promise<[string, string[]]> {
  const token = (await http.credentials.token()) ?? "";
  const encoded = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return ["", [SUBPROTOCOL, `base64url.bearer.${encoded}`]];
}

async function withTicket(http: Http, projectId: string): Promise<[string, string[]]> {
  const body = { project_id: projectId };
  const { ticket } = await http.call<{ ticket: string }>("POST", "/ws/tickets", { body, repeatable: true });
  return [`?ticket=${encodeURIComponent(ticket)}`, [SUBPROTOCOL]];
}
