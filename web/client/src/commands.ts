/** Commands on their way: each is sent until it is answered, always with the same `ref`, never too fast. */

import type { CommandMessage } from "./messages.js";

/** The server closes a socket that says more than 20 commands a second. */
export const COMMANDS_PER_S = 15;
/** The server closes a socket that says something larger than 64 KiB: such a command goes over HTTP. */
export const MAX_FRAME_BYTES = 60 * 1024;

interface Pending {
  readonly message: CommandMessage;
  readonly fits: boolean;
  sends: number;
  state: "waiting" | "sent" | "requested";
}

/** A command that is to be sent now. */
export interface Outgoing {
  readonly message: CommandMessage;
  readonly fits: boolean;
}

export class Commands {
  readonly #pending = new Map<string, Pending>();
  #sentAt: number[] = [];

  /** True while a command waits for its answer. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  add(message: CommandMessage): void {
    const bytes = new TextEncoder().encode(JSON.stringify(message)).length;
    this.#pending.set(message.ref, { message, fits: bytes <= MAX_FRAME_BYTES, sends: 0, state: "waiting" });
  }

  /** Tell whether the answer is to a command that still waits for one, and whether it had been sent before. */
  settle(ref: string): { known: boolean; resent: boolean } {
    const found = this.#pending.get(ref);
    this.#pending.delete(ref);
    return { known: found !== undefined, resent: found !== undefined && found.sends > 1 };
  }

  /** The connection is another: what it has not answered is to be sent again. */
  rewind(): void {
    for (const pending of this.#pending.values()) if (pending.state === "sent") pending.state = "waiting";
  }

  /** The commands that may go now, over the socket or by request. */
  take(now: number, socket: boolean): Outgoing[] {
    const outgoing: Outgoing[] = [];
    this.#sentAt = this.#sentAt.filter((at) => at > now - 1000);
    for (const pending of this.#pending.values()) {
      if (pending.state !== "waiting") continue;
      const said = socket && pending.fits;
      if (said && this.#sentAt.length >= COMMANDS_PER_S) continue;
      if (said) this.#sentAt.push(now);
      pending.state = said ? "sent" : "requested";
      pending.sends += 1;
      outgoing.push({ message: pending.message, fits: said });
    }
    return outgoing;
  }

  /** When `take` may have more without anything new. */
  due(): number {
    const held = [...this.#pending.values()].some((pending) => pending.state === "waiting");
    const first = this.#sentAt[0];
    return held && first !== undefined ? first + 1000 : Infinity;
  }
}
