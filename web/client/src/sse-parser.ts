/** One server-sent event. */
export interface ServerSentEvent {
  readonly id: string | null;
  readonly data: string;
}

/**
 * Reads a stream of server-sent events, however its bytes are cut.
 *
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, without `event` and `retry`,
 * which RenderOwl does not send.
 */
export class SseParser {
  #decoder = new TextDecoder();
  #rest = "";
  #id: string | null = null;
  #data: string[] = [];

  /** The events that these bytes complete. */
  feed(chunk: Uint8Array): ServerSentEvent[] {
    this.#rest += this.#decoder.decode(chunk, { stream: true });
    const events: ServerSentEvent[] = [];
    // A CR at the end may be half of a CRLF: it waits for the next chunk.
    for (let end = this.#rest.search(LINE_END); end >= 0; end = this.#rest.search(LINE_END)) {
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + (this.#rest.startsWith("\r\n", end) ? 2 : 1));
      const event = this.#take(line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  #take(line: string): ServerSentEvent | null {
    if (line === "") {
      const event = this.#data.length === 0 ? null : { id: this.#id, data: this.#data.join("\n") };
      this.#id = null;
      this.#data = [];
      return event;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    if (name === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }
}

const LINE_END = /\r\n|\n|\r(?!$)/;
