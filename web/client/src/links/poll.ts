/** A room over long polls, for networks that let nothing else through. */

import { formatCursor, parseCursor } from "../cursor.js";
import type { Http } from "../http.js";
import type { ServerMessage } from "../messages.js";
import { problemOf } from "../problem.js";
import { filterQuery, until, type Link, type LinkEvents, type Start } from "./link.js";
import { failureOf } from "./socket.js";

interface Answer {
  readonly cursor: string;
  readonly messages: readonly ServerMessage[];
}

export function openPoll(http: Http, projectId: string, start: Start, waitMs: number, listener: LinkEvents): Link {
  const { events, over, isOver } = until(listener);
  const abort = new AbortController();
  const path = `/projects/${encodeURIComponent(projectId)}/events`;
  const poll = async () => {
    let after = start.since === null ? "" : formatCursor(start.since);
    // The first one does not wait: its answer shows that polls are let through.
    for (let waitS = 0; !isOver(); waitS = waitMs / 1000) {
      const query = [["after", after] as const, ["wait", String(waitS)] as const, ...filterQuery(start.filter)];
      const options = { query, headers: { accept: "application/json" }, signal: abort.signal };
      const response = await http.once("GET", path, options, await http.credentials.token());
      if (!response.ok) return events.lost({ kind: "refused", problem: await problemOf(response) });
      const answer = (await response.json().catch(() => null)) as Answer | null;
      const cursor = parseCursor(String(answer?.cursor));
      if (answer === null || cursor === null) return events.lost({ kind: "impassable" });
      events.opened();
      for (const message of answer.messages) events.heard(message, placeOf(message, cursor.epoch));
      events.marked(cursor);
      after = answer.cursor;
    }
  };
  poll().catch((error: unknown) => events.lost(failureOf(error)));
  return {
    send: () => undefined,
    drop() {
      over();
      abort.abort();
    },
  };
}

function placeOf(message: ServerMessage, epoch: string) {
  return "seq" in message && typeof message.seq === "number" ? { epoch, seq: message.seq } : null;
}
