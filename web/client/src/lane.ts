/** The durable lane as one reader hears it: every event once and in order, whichever transports it arrives on. */

import type { Cursor } from "./cursor.js";

/** Decides what is news. Progress and previews never come here: they have no place in the lane. */
export class Lane {
  #cursor: Cursor | null;

  constructor(since: Cursor | null) {
    this.#cursor = since;
  }

  /** Behind the newest that was admitted. */
  get cursor(): Cursor | null {
    return this.#cursor;
  }

  /** Take an event; false when it was heard before. One of another epoch follows a snapshot of that epoch or is old. */
  admitEvent(at: Cursor): boolean {
    const known = this.#cursor;
    if (known !== null && (known.epoch !== at.epoch || at.seq <= known.seq)) return false;
    this.#cursor = at;
    return true;
  }

  /**
   * Take a snapshot; false when more than it says has been heard.
   *
   * `since` is what its link was asked to go on from. A snapshot from before `since` means that the server's history is
   * shorter than ours (it was restored from a backup): then the server is right. One between `since` and the cursor was
   * read while another link went on.
   */
  admitSnapshot(at: Cursor, since: Cursor | null): boolean {
    const known = this.#cursor;
    const asked = since !== null && since.epoch === at.epoch ? since.seq : 0;
    if (known !== null && known.epoch === at.epoch && at.seq < known.seq && at.seq >= asked) return false;
    this.#cursor = at;
    return true;
  }

  /** Whether a link misses nothing that goes on from `since`. One opened before history went back begins behind what followed. */
  goesOnFrom(since: Cursor | null): boolean {
    const known = this.#cursor;
    return since === null || known === null || since.epoch !== known.epoch || since.seq <= known.seq;
  }

  /** The server says that everything wanted up to here has been told. */
  mark(at: Cursor): void {
    const known = this.#cursor;
    if (known === null || (known.epoch === at.epoch && at.seq > known.seq)) this.#cursor = at;
  }
}
