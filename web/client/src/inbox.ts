/** What waits to be read by one reader: durable events in order, of progress and previews only the newest. */

import type { RoomMessage } from "./messages.js";

/** An async iterator over a room's messages; ending the loop leaves the room. */
export class Inbox implements AsyncIterableIterator<RoomMessage> {
  /** In the order in which they are read; a Map keeps it while what is outdated is taken out. */
  readonly #waiting = new Map<string, RoomMessage>();
  readonly #left: (unread: RoomMessage[]) => void;
  readonly #read: () => void;
  #count = 0;
  #asking: { resolve: (result: IteratorResult<RoomMessage>) => void; reject: (error: unknown) => void }[] = [];
  #over = false;
  #error: Error | null = null;
  #cursor: string | undefined;

  /** `read` is called after each message that was read, `left` with what waits when the reader reads no more. */
  constructor(cursor: string | undefined, read: () => void, left: (unread: RoomMessage[]) => void) {
    this.#cursor = cursor;
    this.#read = read;
    this.#left = left;
  }

  /** How many messages wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The place behind the durable message that was read last. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  push(message: RoomMessage): void {
    if (this.#over) return;
    const asking = this.#asking.shift();
    if (asking !== undefined) return asking.resolve(this.#hand(message));
    if (message.type === "render.progress" || message.type === "render.preview") {
      const key = `${message.type} ${message.render_id}`;
      this.#waiting.delete(key);
      this.#waiting.set(key, message);
      return;
    }
    if ("render_id" in message) {
      this.#waiting.delete(`render.progress ${message.render_id}`);
      this.#waiting.delete(`render.preview ${message.render_id}`);
    }
    this.#waiting.set(`#${this.#count++}`, message);
  }

  /** What waits is not to be read any more. */
  discard(): void {
    this.#waiting.clear();
  }

  /** Nothing comes any more; what waits can still be read. */
  end(error: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    for (const { resolve, reject } of this.#asking.splice(0)) {
      const error = this.#takeError();
      if (error !== null) reject(error);
      else resolve(DONE);
    }
  }

  next(): Promise<IteratorResult<RoomMessage>> {
    for (const [key, message] of this.#waiting) {
      this.#waiting.delete(key);
      const result = this.#hand(message);
      this.#read();
      return Promise.resolve(result);
    }
    if (!this.#over) return new Promise((resolve, reject) => this.#asking.push({ resolve, reject }));
    const error = this.#takeError();
    return error === null ? Promise.resolve(DONE) : Promise.reject(error);
  }

  return(): Promise<IteratorResult<RoomMessage>> {
    const unread = [...this.#waiting.values()];
    this.#waiting.clear();
    this.end(null);
    this.#left(unread);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #hand(message: RoomMessage): IteratorResult<RoomMessage> {
    this.#cursor = message.cursor ?? this.#cursor;
    return { done: false, value: message };
  }

  #takeError(): Error | null {
    const error = this.#error;
    this.#error = null;
    return error;
  }
}

const DONE: IteratorResult<RoomMessage> = { done: true, value: undefined };
