/** When to ask for another token: the server warns of an end, or refused the one there is. */

import type { Problem } from "./problem.js";

export class Renewal {
  readonly #leastMs: number;
  #at = Infinity;
  #lastAt = -Infinity;
  #asking = false;
  #refusals = 0;

  /** What the server said when it refused the token. */
  refusal: Problem | null = null;

  constructor(leastMs: number) {
    this.#leastMs = leastMs;
  }

  get due(): number {
    return this.#at;
  }

  /** The token ends soon. The server says so of a short-lived one at once: such are not asked for without a pause. */
  warned(now: number): void {
    this.#at = Math.max(now, this.#lastAt + this.#leastMs);
  }

  /** The token was refused; false when another has been refused just before: then it is no matter of age. */
  refused(problem: Problem): boolean {
    this.refusal = problem;
    this.#refusals += 1;
    return this.#refusals === 1;
  }

  /** Somebody was let in. */
  accepted(): void {
    this.#refusals = 0;
  }

  /** Tell whether to ask now; not while an answer is awaited. */
  ask(now: number): boolean {
    this.#at = Infinity;
    if (this.#asking) return false;
    this.#asking = true;
    this.#lastAt = now;
    return true;
  }

  /** There was an answer. */
  answered(): void {
    this.#asking = false;
  }

  /** Nobody is there any more who warned. */
  forget(): void {
    this.#at = Infinity;
  }
}
