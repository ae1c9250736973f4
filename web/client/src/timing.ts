import type { Transport } from "./ladder.js";

/** How patient a room is, in milliseconds. The defaults are those of docs/clients.md and fit the server's. */
export interface Timing {
  /** From opening a connection to being in the room. */
  readonly openMs: Readonly<Record<Transport, number>>;
  /** Nothing heard for so long is a dead connection; the server speaks at least every 25 s. */
  readonly silenceMs: number;
  /** Least and most time between tries; doubles with each failure. */
  readonly backoffMs: readonly [number, number];
  /** A connection that lasted this long starts that anew. */
  readonly restedMs: number;
  /** Members of a server that is being deployed come back within this. */
  readonly deployMs: number;
  /** A connection that broke after this says nothing against its transport. */
  readonly stableMs: number;
  /** On a lower transport: first and longest time until the next look at a better one. */
  readonly climbMs: readonly [number, number];
  /** How long a poll waits for something to happen; the server allows 25 s. */
  readonly pollWaitMs: number;
  /** Tokens are refreshed at most this often, however soon they end. */
  readonly refreshMs: number;
  /** Timers are looked at this often: those of a machine that slept are late. */
  readonly lookMs: number;
}

export const TIMING: Timing = {
  openMs: { socket: 10_000, sse: 5_000, poll: 10_000 },
  silenceMs: 40_000,
  backoffMs: [100, 10_000],
  restedMs: 10_000,
  deployMs: 5_000,
  stableMs: 30_000,
  climbMs: [10_000, 300_000],
  pollWaitMs: 25_000,
  refreshMs: 5_000,
  lookMs: 5_000,
};
