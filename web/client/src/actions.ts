import type { Cursor } from "./cursor.js";
import type { Transport } from "./ladder.js";
import type { ClientMessage, CommandMessage, Filter, News, RoomError, ServerMessage } from "./messages.js";
import type { Problem } from "./problem.js";
import type { Timing } from "./timing.js";

/** What a room is doing: it opens a connection, hears, stays away for a while, or has ended. */
export type Status = "connecting" | "live" | "waiting" | "closed";

export type Answer = ServerMessage & { readonly ref: string };

/** What the machine wants done, in order. A link is one connection, named by a number. */
export type Action =
  | { do: "open"; link: number; transport: Transport; since: Cursor | null; filter: Filter | undefined }
  | { do: "send"; link: number; message: ClientMessage }
  | { do: "drop"; link: number }
  | { do: "deliver"; message: News; cursor: Cursor | null }
  /** Carry out a command over HTTP, then `forget` it. */
  | { do: "request"; message: CommandMessage }
  /** A command was answered; `resent`: it had been sent on an earlier connection too. */
  | { do: "settle"; answer: Answer; resent: boolean }
  /** Get another token, then call `refreshed` or `notRefreshed`. */
  | { do: "refresh"; link: number }
  | { do: "status"; status: Status; transport: Transport }
  | { do: "end"; problem: Problem | null };

/** What the machine knows of a connection. */
export interface LinkState {
  readonly id: number;
  readonly transport: Transport;
  readonly since: Cursor | null;
  epoch: string;
  /** What its hello asked for. */
  filter: Filter | undefined;
  joinedAt: number | null;
  heardAt: number;
  error: RoomError | null;
}

export interface MachineOptions {
  readonly transports: readonly Transport[];
  readonly since: Cursor | null;
  readonly filter: Filter | undefined;
  /** Tell who is in the room, and be told as this; null for neither. Only a socket does it. */
  readonly presence: { readonly name?: string } | null;
  readonly timing: Timing;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}
