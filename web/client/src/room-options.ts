import type { Status } from "./actions.js";
import type { Http } from "./http.js";
import type { Transport } from "./ladder.js";
import type { SocketAuth, WebSocketConstructor } from "./links/socket.js";
import type { Filter, RoomMessage } from "./messages.js";
import type { Problem } from "./problem.js";
import type { Timing } from "./timing.js";

/** How a room is entered. */
export interface RoomOptions {
  /** A cursor: hear what happened after it. Without one a snapshot comes first. */
  readonly since?: string | undefined;
  readonly filter?: Filter | undefined;
  /**
   * Be told who is here, and be shown to others, by this name if there is one: a `presence` after joining, then whenever
   * somebody comes or goes. Only a socket does it.
   */
  readonly presence?: boolean | { readonly name: string } | undefined;
  /** The transports to use, the best first; all that there are unless said otherwise. */
  readonly transports?: readonly Transport[] | undefined;
}

/** What a room needs of its client. */
export interface RoomSetting {
  readonly http: Http;
  readonly projectId: string;
  readonly socketClass: WebSocketConstructor | null;
  readonly socketAuth: SocketAuth;
  readonly timing: Timing;
}

export interface CommandOptions {
  /** Your name for the command; giving a create again with it makes no second render. */
  readonly ref?: string | undefined;
  /** Wait no longer for the answer. The command may be carried out all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** What `on` tells; the types of messages besides. */
export interface RoomEvents {
  message: RoomMessage;
  status: { readonly status: Status; readonly transport: Transport };
  /** The room has ended: with the reason, or null when you left. */
  closed: Problem | null;
}
