import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Inbox } from "../../src/inbox.js";
import type { RoomMessage } from "../../src/messages.js";
import { SseParser } from "../../src/sse-parser.js";
import { wakefulClock } from "../../src/surroundings.js";

const event = (seq: number, render = "rnd_1") =>
  ({ type: "render.queued", seq, render_id: render, cursor: `e0.${seq}` }) as RoomMessage;
const progress = (percent: number, render = "rnd_1") =>
  ({ type: "render.progress", render_id: render, data: { percent } }) as RoomMessage;

describe("server-sent events", () => {
  test("are the same however the bytes are cut", () => {
    const text = fc.array(
      fc.oneof(
        fc.record({
          id: fc.constantFrom(null, "e7.1", "e7.2"),
          data: fc.array(fc.stringMatching(/^[\p{L} :{}"]{0,12}$/u), { minLength: 1, maxLength: 3 }),
        }),
        fc.constant(null),
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(
        text,
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.array(fc.nat(9), { minLength: 1 }),
        (said, end, cuts) => {
          const lines = said.flatMap((one) =>
            one === null
              ? [": still here", ""]
              : [...(one.id === null ? [] : [`id: ${one.id}`]), ...one.data.map((line) => `data: ${line}`), ""],
          );
          // The last line end stays away: a CR there could be half of a CRLF.
          const bytes = new TextEncoder().encode(lines.map((line) => line + end).join("") + ": end");
          const parser = new SseParser();
          const heard = [];
          for (let from = 0, n = 0; from < bytes.length; n++) {
            const to = from + 1 + cuts[n % cuts.length]!;
            heard.push(...parser.feed(bytes.subarray(from, to)));
            from = to;
          }
          expect(heard).toEqual(
            said.filter((one) => one !== null).map(({ id, data }) => ({ id, data: data.join("\n") })),
          );
        },
      ),
    );
  });
});

describe("an inbox", () => {
  const inbox = (read = () => undefined as void, left = () => undefined as void) => new Inbox("e0.0", read, left);

  test("keeps facts in order and of progress only the newest", async () => {
    const waiting = inbox();
    for (const message of [event(1), progress(1), progress(2, "rnd_2"), progress(3), event(2, "rnd_2"), progress(4)])
      waiting.push(message);
    waiting.end(null);
    const read = [];
    for await (const message of waiting)
      read.push(message.type === "render.progress" ? message.data.percent : message.cursor);
    expect(read).toEqual(["e0.1", "e0.2", 4]);
  });

  test("knows the place of what was read, not of what waits", async () => {
    const waiting = inbox();
    waiting.push(event(1));
    waiting.push(event(2));
    expect(waiting.cursor).toBe("e0.0");
    await waiting.next();
    expect(waiting.cursor).toBe("e0.1");
  });

  test("hands out what waits before it says why it ended", async () => {
    const waiting = inbox();
    waiting.push(event(1));
    waiting.end(new Error("gone"));
    expect((await waiting.next()).value).toEqual(event(1));
    await expect(waiting.next()).rejects.toThrow("gone");
    expect((await waiting.next()).done).toBe(true);
  });

  test("answers those who ask before anything is there", async () => {
    const waiting = inbox();
    const asked = [waiting.next(), waiting.next()];
    waiting.push(event(1));
    waiting.end(null);
    expect((await Promise.all(asked)).map(({ done }) => done)).toEqual([false, true]);
  });

  test("is left with the loop", async () => {
    const left = vi.fn();
    const waiting = inbox(undefined, left);
    waiting.push(event(1));
    for await (const _ of waiting) break;
    expect(left).toHaveBeenCalledOnce();
  });
});

test("the clock counts a sleep and never goes back", () => {
  const walls = [1_000, 1_500, 601_500, 600_000, 600_500];
  const clock = wakefulClock(() => walls.shift() ?? 0);
  expect([clock(), clock(), clock(), clock()]).toEqual([500, 600_500, 600_500, 601_000]);
});
