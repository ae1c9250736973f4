import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Client, Problem, type RoomMessage } from "../../src/index.js";

/** A socket whose other side is the test. */
class FakeSocket {
  static readonly opened: FakeSocket[] = [];
  static get last(): FakeSocket {
    return FakeSocket.opened.at(-1)!;
  }
  readyState = 0;
  binaryType = "";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message?: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly said: Record<string, unknown>[] = [];

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    FakeSocket.opened.push(this);
  }
  send(data: string): void {
    this.said.push(JSON.parse(data) as Record<string, unknown>);
  }
  close(): void {
    this.readyState = 3;
  }

  welcome(seq: number, members: object[] | null = null): void {
    this.readyState = 1;
    this.onopen?.();
    const here = { count: members?.length ?? null, members };
    this.tell({ type: "welcome", connection: "con_1", epoch: "e7", seq, recovered: true, ping_s: 25, ...here });
  }
  tell(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  event(seq: number): void {
    this.tell({ type: "render.queued", seq, render_id: "rnd_1", attempt: 1, data: {} });
  }
}

const client = new Client("https://api.example", "ro_live_y?>", { WebSocket: FakeSocket as never });
const turn = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened.length = 0;
});
afterEach(() => void vi.useRealTimers());

/** A room with one listener, joined. */
async function joined(since = "e7.0") {
  const room = client.room("prj_1", { since, transports: ["socket"] });
  const heard: RoomMessage[] = [];
  const leave = room.on("message", (message) => heard.push(message));
  await turn();
  FakeSocket.last.welcome(0);
  return { room, heard, leave, socket: FakeSocket.last };
}

describe("a socket", () => {
  test("is opened with the token as a subprotocol, never in the URL", async () => {
    const { socket } = await joined();
    expect(socket.url).toBe("wss://api.example/ws/projects/prj_1/renders");
    const [version, bearer] = socket.protocols;
    expect(version).toBe("renderowl.v1");
    expect(bearer).toMatch(/^base64url\.bearer\.[A-Za-z0-9_-]+$/);
    const encoded = bearer!.replace("base64url.bearer.", "").replaceAll("-", "+").replaceAll("_", "/");
    expect(atob(encoded)).toBe("ro_live_y?>");
    expect(socket.said).toEqual([{ type: "hello", since: "e7.0" }]);
  });
});

describe("a room", () => {
  test("is connected while somebody listens, and goes on where it was", async () => {
    const { room, leave, socket } = await joined();
    socket.event(1);
    leave();
    await turn();
    expect([socket.readyState, room.status, room.cursor]).toEqual([3, "closed", "e7.1"]);
    room.on("message", () => undefined);
    await turn();
    FakeSocket.last.welcome(1);
    expect(FakeSocket.last.said).toEqual([{ type: "hello", since: "e7.1" }]);
  });

  test("tells listeners by type, all of them, whatever one of them does", async () => {
    const { room, heard, socket } = await joined();
    const seen: number[] = [];
    room.on("render.queued", (message) => seen.push(message.seq));
    room.on("render.completed", () => seen.push(-1));
    socket.event(1);
    expect([seen, heard.map(({ cursor }) => cursor)]).toEqual([[1], ["e7.1"]]);
  });

  test("goes on with the next message in the next loop", async () => {
    const room = client.room("prj_1", { since: "e7.0", transports: ["socket"] });
    const first = room[Symbol.asyncIterator]();
    await turn();
    FakeSocket.last.welcome(0);
    for (const seq of [1, 2, 3]) FakeSocket.last.event(seq);
    await first.next();
    await first.return?.();
    const read: unknown[] = [];
    for await (const message of room) if (read.push(message.cursor) === 2) break;
    expect([read, FakeSocket.opened.length]).toEqual([["e7.2", "e7.3"], 1]);
    await turn();
    expect([room.status, room.cursor]).toEqual(["closed", "e7.3"]);
  });

  test("that is closed tells no more, and goes on with what was not read", async () => {
    const room = client.room("prj_1", { since: "e7.0", transports: ["socket"] });
    const reader = room[Symbol.asyncIterator]();
    await turn();
    FakeSocket.last.welcome(0);
    for (const seq of [1, 2]) FakeSocket.last.event(seq);
    await reader.next();
    room.close();
    expect((await reader.next()).done).toBe(true);
    expect(room.cursor).toBe("e7.1");
  });

  test("has the place of the slowest reader", async () => {
    const { room, socket } = await joined();
    const [fast, slow] = [room[Symbol.asyncIterator](), room[Symbol.asyncIterator]()];
    for (const seq of [1, 2, 3]) socket.event(seq);
    for (const _ of [1, 2, 3]) await fast.next();
    await slow.next();
    expect(room.cursor).toBe("e7.1");
    await slow.next();
    await slow.next();
    expect(room.cursor).toBe("e7.3");
  });

  test("stops hearing when nobody reads, and goes on from there", async () => {
    const room = client.room("prj_1", { since: "e7.0", transports: ["socket"] });
    const reader = room[Symbol.asyncIterator]();
    await turn();
    const first = FakeSocket.last;
    first.welcome(0);
    for (let seq = 1; seq <= 1200; seq++) first.event(seq);
    expect([first.readyState, room.status]).toEqual([3, "waiting"]);
    const read: unknown[] = [];
    for (let n = 0; n < 600; n++) read.push((await reader.next()).value.cursor);
    await turn();
    expect(FakeSocket.opened).toHaveLength(2);
    FakeSocket.last.welcome(1200);
    expect(FakeSocket.last.said).toEqual([{ type: "hello", since: "e7.1001" }]);
    for (let seq = 1002; seq <= 1200; seq++) FakeSocket.last.event(seq);
    for (let n = 600; n < 1200; n++) read.push((await reader.next()).value.cursor);
    expect(read).toEqual(Array.from({ length: 1200 }, (_, index) => `e7.${index + 1}`));
  });

  test("that is refused ends loops, listeners and commands with the reason", async () => {
    const { room, socket } = await joined();
    const closed = vi.fn();
    room.on("closed", closed);
    const loop = room[Symbol.asyncIterator]().next();
    const command = room.cancel("rnd_1");
    socket.tell({ type: "error", code: "forbidden", message: "revoked", retryable: false });
    socket.onclose?.({ code: 4403, reason: "revoked" });
    for (const told of [loop, command]) await expect(told).rejects.toMatchObject({ status: 403, code: "forbidden" });
    expect(closed).toHaveBeenCalledWith(expect.any(Problem));
    expect(room.status).toBe("closed");
  });

  test("tells who is here to those who ask", async () => {
    const room = client.room("prj_1", { presence: { name: "Ada" }, transports: ["socket"] });
    const here: number[] = [];
    room.on("presence", (presence) => here.push(presence.count));
    await turn();
    FakeSocket.last.welcome(0, [{ connection: "con_1", user_id: "usr_1", name: "Ada" }]);
    expect(FakeSocket.last.said).toEqual([{ type: "hello", presence: true, name: "Ada" }]);
    FakeSocket.last.tell({ type: "presence", count: 2, members: [], joined: [], left: [] });
    expect(here).toEqual([1, 2]);
  });

  test("refuses what is no cursor", () => {
    expect(() => client.room("prj_1", { since: "yesterday" })).toThrow(TypeError);
  });
});

describe("a command", () => {
  test("is sent again with its ref over the next connection", async () => {
    const { room, socket } = await joined();
    const ack = room.cancel("rnd_1", { ref: "k1" });
    socket.onclose?.({ code: 1006, reason: "" });
    await vi.advanceTimersByTimeAsync(100);
    FakeSocket.last.welcome(0);
    const command = { type: "render.cancel", ref: "k1", render_id: "rnd_1" };
    expect([socket.said[1], FakeSocket.last.said[1]]).toEqual([command, command]);
    FakeSocket.last.tell({ type: "ack", ref: "k1", render_id: "rnd_1", status: "cancelled", deduplicated: false });
    expect(await ack).toMatchObject({ status: "cancelled" });
  });

  test("keeps the room until it is answered", async () => {
    const room = client.room("prj_1", { transports: ["socket"] });
    const ack = room.retry("rnd_1", { ref: "k1" });
    await turn();
    FakeSocket.last.welcome(0);
    FakeSocket.last.tell({ type: "error", ref: "k1", code: "conflict", message: "it is completed", retryable: false });
    await expect(ack).rejects.toMatchObject({ code: "conflict" });
    await turn();
    expect(room.status).toBe("closed");
  });

  test("loses nothing of what is said before somebody reads", async () => {
    const room = client.room("prj_1", { since: "e7.0", transports: ["socket"] });
    const ack = room.cancel("rnd_1", { ref: "k1" });
    await turn();
    FakeSocket.last.welcome(0);
    FakeSocket.last.event(1);
    FakeSocket.last.tell({ type: "ack", ref: "k1", render_id: "rnd_1", status: "cancelled", deduplicated: false });
    FakeSocket.last.event(2);
    await ack;
    expect(room.cursor).toBe("e7.0");
    const read: unknown[] = [];
    for await (const message of room) if (read.push(message.cursor) === 2) break;
    expect([read, FakeSocket.opened.length]).toEqual([["e7.1", "e7.2"], 1]);
  });

  test("that nobody reads after leaves the room where it was", async () => {
    const room = client.room("prj_1", { since: "e7.0", transports: ["socket"] });
    const ack = room.cancel("rnd_1", { ref: "k1" });
    await turn();
    FakeSocket.last.welcome(0);
    FakeSocket.last.event(1);
    FakeSocket.last.tell({ type: "ack", ref: "k1", render_id: "rnd_1", status: "cancelled", deduplicated: false });
    await ack;
    await turn();
    expect([room.status, room.cursor]).toEqual(["closed", "e7.0"]);
  });

  test("that is given up is not waited for", async () => {
    const { room, socket } = await joined();
    const stop = new AbortController();
    const ack = room.cancel("rnd_1", { ref: "k1", signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(ack).rejects.toThrow("enough");
    socket.tell({ type: "ack", ref: "k1", render_id: "rnd_1", status: "cancelled", deduplicated: false });
    expect(room.status).toBe("live");
  });

  test("given twice and refused as a conflict had been carried out when the render shows it", async () => {
    const fetcher = vi.fn(async () => Response.json({ id: "rnd_1", status: "cancelled" }));
    const own = new Client("https://api.example", "key", { WebSocket: FakeSocket as never, fetch: fetcher });
    const room = own.room("prj_1", { transports: ["socket"] });
    const ack = room.cancel("rnd_1", { ref: "k1" });
    for (const _ of ["first", "again"]) {
      await vi.advanceTimersByTimeAsync(200);
      FakeSocket.last.welcome(0);
      if (FakeSocket.opened.length === 1) FakeSocket.last.onclose?.({ code: 1006, reason: "" });
    }
    FakeSocket.last.tell({ type: "error", ref: "k1", code: "conflict", message: "it is cancelled", retryable: false });
    await turn();
    expect(await ack).toMatchObject({ render_id: "rnd_1", status: "cancelled", deduplicated: true });
    expect(fetcher).toHaveBeenCalledOnce();
  });
});
