/** Which transport to use and how long to wait: the ladder's state, without connections. */

import type { Timing } from "./timing.js";
import type { RoomError } from "./messages.js";
import { ENOUGH, weightOf, type Cause, type Verdict } from "./verdict.js";

/** The transports, the best first. */
export type Transport = "socket" | "sse" | "poll";

export class Ladder {
  readonly #transports: readonly Transport[];
  readonly #timing: Timing;
  /** Uniform in [0, 1). */
  readonly #random: () => number;
  #rung = 0;
  #misses = 0;
  #failures = 0;
  #climbs = 0;

  constructor(transports: readonly Transport[], timing: Timing, random: () => number) {
    if (transports.length === 0) throw new RangeError("a room needs a transport");
    this.#transports = transports;
    this.#timing = timing;
    this.#random = random;
  }

  /** The transport in use, or to be tried next. */
  get transport(): Transport {
    return this.#at(this.#rung);
  }

  get isTop(): boolean {
    return this.#rung === 0;
  }

  /** Somebody joined on this transport; `better`: it takes over from another. */
  joined(transport: Transport, better: boolean): void {
    this.#rung = this.#transports.indexOf(transport);
    if (better) this.#misses = 0;
    if (this.isTop) this.#climbs = 0;
  }

  /** A connection was lost; `livedMs` since it joined, null when it never did. Below the last transport comes the first. */
  lost(cause: Cause, livedMs: number | null): void {
    if (livedMs !== null && livedMs >= this.#timing.stableMs) this.#misses = 0;
    if (livedMs !== null && livedMs >= this.#timing.restedMs) this.#failures = 0;
    this.#misses += weightOf(cause);
    if (this.#misses < ENOUGH) return;
    this.#misses = 0;
    this.#rung = (this.#rung + 1) % this.#transports.length;
  }

  /** The better transport to try next: the best, then by turns the next better one. */
  climb(): Transport {
    this.#climbs += 1;
    return this.#at(this.#climbs % 2 === 1 ? 0 : this.#rung - 1);
  }

  /** How long to go on here before the next try of a better transport. */
  climbDelay(): number {
    const [firstMs, mostMs] = this.#timing.climbMs;
    return Math.min(mostMs, firstMs * 2 ** Math.min(this.#climbs, 10)) * (0.8 + 0.4 * this.#random());
  }

  /** How long to stay away after a loss; each call makes the next one longer, until a connection lasts. */
  pause(verdict: Verdict, cause: Cause | null, error: RoomError | null): number {
    const [firstMs, mostMs] = this.#timing.backoffMs;
    const backoffMs = Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures, 10)) * (0.5 + this.#random() / 2);
    this.#failures += 1;
    if (verdict === "deploy") return this.#timing.deployMs * this.#random();
    const askedS = error?.retry_after_s ?? (cause?.kind === "refused" ? cause.problem.retryAfterS : undefined);
    return Math.max((askedS ?? 0) * 1000 * (1 + this.#random() / 4), backoffMs);
  }

  #at(rung: number): Transport {
    return this.#transports[rung] ?? "poll";
  }
}
