import type { Cursor } from "../cursor.js";
import type { ClientMessage, Filter, ServerMessage } from "../messages.js";
import type { Cause } from "../verdict.js";

/** One connection to a room, over any transport. After `drop` it says nothing more. */
export interface Link {
  /** Say something; only a socket does. */
  send(message: ClientMessage): void;
  drop(): void;
}

/** What a link says; `lost` at most once, and nothing after it. */
export interface LinkEvents {
  opened(): void;
  alive(): void;
  heard(message: ServerMessage, at: Cursor | null): void;
  marked(at: Cursor): void;
  lost(cause: Cause): void;
}

/** Where a link begins. */
export interface Start {
  readonly since: Cursor | null;
  readonly filter: Filter | undefined;
}

/** Pass events on until `over` is called; nothing said later reaches anybody. */
export function until(events: LinkEvents): { events: LinkEvents; over: () => void; isOver: () => boolean } {
  let ended = false;
  const live = (tell: () => void) => {
    if (!ended) tell();
  };
  return {
    events: {
      opened: () => live(() => events.opened()),
      alive: () => live(() => events.alive()),
      heard: (message, at) => live(() => events.heard(message, at)),
      marked: (at) => live(() => events.marked(at)),
      lost: (cause) =>
        live(() => {
          ended = true;
          events.lost(cause);
        }),
    },
    over: () => (ended = true),
    isOver: () => ended,
  };
}

/** The filter as `/events` takes it. */
export function filterQuery(filter: Filter | undefined): [string, string][] {
  const query: [string, string][] = [];
  for (const id of filter?.render_ids ?? []) query.push(["render_ids", id]);
  for (const type of filter?.types ?? []) query.push(["types", type]);
  if (filter?.max_hz !== undefined) query.push(["max_hz", String(filter.max_hz)]);
  return query;
}
