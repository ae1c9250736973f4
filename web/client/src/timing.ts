/** How patient a room is, in milliseconds. The defaults fit the server's: it pings every 25 s, comments every 15 s. */
export interface Timing {
  /** From opening a connection to being in the room. */
  readonly openMs: number;
  /** Nothing heard for so long is a dead connection, by transport; 60 s on a socket. */
  readonly silenceMs: { readonly socket: number; readonly sse: number; readonly poll: number };
  /** Least and most time between tries; doubles with each failure. */
  readonly backoffMs: readonly [number, number];
  /** The least after the server said that it is overloaded. */
  readonly overloadedMs: number;
  /** Members of a server that is being deployed come back within this. */
  readonly deployMs: number;
  /** A connection that lasted as long as this has proved itself. */
  readonly stableMs: number;
  /** On a lower transport: first and longest time until the next look at a better one. */
  readonly climbMs: readonly [number, number];
  /** A long poll waits at most this for something to happen; the server allows 25 s. */
  readonly pollWaitMs: number;
}

export const TIMING: Timing = {
  openMs: 10_000,
  silenceMs: { socket: 60_000, sse: 40_000, poll: 40_000 },
  backoffMs: [100, 10_000],
  overloadedMs: 1_000,
  deployMs: 5_000,
  stableMs: 10_000,
  climbMs: [15_000, 300_000],
  pollWaitMs: 25_000,
};
