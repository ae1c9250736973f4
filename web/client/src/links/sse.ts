/** A room over server-sent events, read with fetch: an EventSource could not send the Authorization header. */

import { formatCursor, parseCursor } from "../cursor.js";
import type { Http } from "../http.js";
import { readMessage } from "../messages.js";
import { problemOf } from "../problem.js";
import { SseParser } from "../sse-parser.js";
import { filterQuery, until, type Link, type LinkEvents, type Start } from "./link.js";
import { failureOf } from "./socket.js";

export function openStream(http: Http, projectId: string, start: Start, listener: LinkEvents): Link {
  const { events, over } = until(listener);
  const abort = new AbortController();
  const read = async () => {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (start.since !== null) headers["last-event-id"] = formatCursor(start.since);
    const options = { headers, query: filterQuery(start.filter), signal: abort.signal };
    const path = `/projects/${encodeURIComponent(projectId)}/events`;
    const response = await http.once("GET", path, options, await http.credentials.token());
    if (!response.ok) return events.lost({ kind: "refused", problem: await problemOf(response) });
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith("text/event-stream") || response.body === null) return events.lost({ kind: "impassable" });
    const reader = response.body.getReader();
    try {
      await hear(reader, events);
    } catch {
      events.lost({ kind: "broken" });
    }
  };
  read()
    .catch((error: unknown) => events.lost(failureOf(error)))
    .finally(() => abort.abort());
  return {
    send: () => undefined,
    drop() {
      over();
      abort.abort();
    },
  };
}

/** Tell what comes until the stream ends. Its first bytes, whatever they say, show that it is let through. */
async function hear(reader: ReadableStreamDefaultReader<Uint8Array>, events: LinkEvents): Promise<void> {
  const parser = new SseParser();
  for (let begun = false; ; begun = true) {
    const { done, value } = await reader.read();
    if (done) return events.lost({ kind: "broken" });
    if (begun) events.alive();
    else events.opened();
    for (const event of parser.feed(value)) {
      const message = readMessage(event.data);
      if (message !== null) events.heard(message, event.id === null ? null : parseCursor(event.id));
    }
  }
}
