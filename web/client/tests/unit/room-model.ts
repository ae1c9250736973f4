/** A server's room in memory and a machine that listens to it, driven step by step: no sockets, no clock. */

import type { Action } from "../../src/actions.js";
import type { Cursor } from "../../src/cursor.js";
import { parseCursor } from "../../src/cursor.js";
import type { Transport } from "../../src/ladder.js";
import { Machine } from "../../src/machine.js";
import type { Ack, ClientMessage, News, ServerMessage } from "../../src/messages.js";
import { TIMING } from "../../src/timing.js";
import type { Cause } from "../../src/verdict.js";

const PROGRESS = {
  percent: 1,
  current_frame: 1,
  total_frames: 99,
  stage: "segment",
  fps: null,
  speed: null,
  eta_s: null,
};
const BRIEF = { status: "queued", composition_id: "timeline", priority: "normal", progress: PROGRESS } as const;

interface Session {
  readonly id: number;
  readonly transport: Transport;
  readonly since: Cursor | null;
  /** Nobody has answered yet; the transport is there; the member is in the room. */
  stage: "asked" | "open" | "joined";
  readonly queue: { message: ServerMessage; at: Cursor | null }[];
}

export class Model {
  readonly machine: Machine;
  readonly sessions = new Map<number, Session>();
  readonly told: { message: News; cursor: Cursor | null }[] = [];
  readonly said: ClientMessage[] = [];
  readonly answers: string[] = [];
  readonly requested: string[] = [];
  readonly statuses: string[] = [];
  readonly opened: Transport[] = [];
  ended: Extract<Action, { do: "end" }> | null = null;
  readonly refreshes: number[] = [];
  now = 0;
  epoch = "e0";
  top = 0;
  /** Events at or below this cannot be replayed any more. */
  floor = 0;
  /** What the server did for each ref: how often it was asked, and how often it did it. */
  readonly done = new Map<string, number>();

  constructor(transports: Transport[] = ["socket", "sse", "poll"], since: Cursor | null = null, random = () => 0.5) {
    this.machine = new Machine({ transports, since, filter: undefined, presence: null, timing: TIMING, random });
    this.do(this.machine.start(0));
  }

  // --- what the server does -----------------------------------------------------------------------------------------

  publish(): void {
    this.top += 1;
    const event = { type: "render.queued", seq: this.top, render_id: "rnd_1", attempt: 1, data: BRIEF } as const;
    for (const session of this.sessions.values()) {
      if (session.stage === "joined") this.#queue(session, event, { epoch: this.epoch, seq: this.top });
    }
  }

  progress(): void {
    for (const session of this.sessions.values()) {
      if (session.stage !== "joined") continue;
      session.queue.push({ message: { type: "render.progress", render_id: "rnd_1", data: PROGRESS }, at: null });
    }
  }

  /** Another history, as after a restored backup: the server sends everybody away. */
  replaceHistory(): void {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`;
    this.top = Math.floor(this.top / 2);
    this.floor = 0;
    for (const session of [...this.sessions.values()]) {
      session.queue.length = 0;
      if (session.stage === "joined") this.lose(session.id, { kind: "closed", code: 1012, reason: "" });
    }
  }

  /** An older backup under the same epoch. */
  restore(top: number): void {
    this.top = top;
    for (const session of [...this.sessions.values()])
      this.lose(session.id, { kind: "closed", code: 1012, reason: "" });
  }

  /** Let the `n`th connection go on by one step. */
  pump(n = 0): boolean {
    const sessions = [...this.sessions.values()].filter(
      (session) => session.stage === "asked" || session.queue.length > 0,
    );
    const session = sessions[n % Math.max(1, sessions.length)];
    if (session === undefined) return false;
    if (session.stage === "asked") {
      session.stage = "open";
      if (session.transport !== "socket") this.#join(session, session.since);
      this.do(this.machine.opened(session.id, this.now));
    } else {
      const { message, at } = session.queue.shift()!;
      this.do(this.machine.heard(session.id, message, at, this.now));
    }
    return true;
  }

  /** Tell the newest member that its token ends soon. */
  warn(): void {
    const member = [...this.sessions.values()].findLast(({ stage }) => stage === "joined");
    if (member?.transport === "socket") member.queue.push({ message: { type: "auth.expiring", in_s: 60 }, at: null });
  }

  /** Answer the oldest request for another token. */
  answerRefresh(good: boolean): boolean {
    const link = this.refreshes.shift();
    if (link === undefined) return false;
    const { machine, now } = this;
    this.do(good ? machine.refreshed(link, "newer", now) : machine.notRefreshed(link, "again", now));
    return true;
  }

  lose(id: number, cause: Cause): void {
    this.sessions.delete(id);
    this.do(this.machine.lost(id, cause, this.now));
  }

  /** Say something to the only connection. */
  say(message: ServerMessage): void {
    const [session] = this.sessions.values();
    this.do(this.machine.heard(session!.id, message, null, this.now));
  }

  // --- what the world does ------------------------------------------------------------------------------------------

  pass(ms: number): void {
    this.now += ms;
    this.do(this.machine.tick(this.now));
    if (this.machine.due <= this.now) throw new Error("a timer that does nothing: the room would never rest");
  }

  /** Let everything go well until nothing is left to do. */
  settle(): void {
    for (let steps = 0; steps < 10_000; steps++) {
      while (this.pump() || this.answerRefresh(true));
      const rests = this.sessions.size === 1 && this.#live() && this.machine.due > this.now + 1_000;
      if (this.ended !== null || rests) return;
      this.pass(Math.max(0, Math.min(this.machine.due - this.now, 60_000)));
    }
    throw new Error("the room does not come to rest");
  }

  get only(): Session {
    const [session, ...others] = this.sessions.values();
    if (session === undefined || others.length > 0) throw new Error(`${this.sessions.size} connections`);
    return session;
  }

  do(actions: Action[]): void {
    for (const action of actions) {
      if (this.ended !== null) throw new Error(`${action.do} after the end`);
      switch (action.do) {
        case "open":
          this.opened.push(action.transport);
          this.sessions.set(action.link, {
            id: action.link,
            transport: action.transport,
            since: action.since,
            stage: "asked",
            queue: [],
          });
          break;
        case "drop":
          this.sessions.delete(action.link);
          break;
        case "send":
          this.#receive(action.link, action.message);
          break;
        case "deliver":
          this.told.push(action);
          break;
        case "settle":
          this.answers.push(action.answer.ref);
          break;
        case "request":
          this.requested.push(action.message.ref);
          this.#carryOut(action.message.ref);
          if (this.machine.forget(action.message.ref).known) this.answers.push(action.message.ref);
          break;
        case "status":
          this.statuses.push(`${action.status} ${action.transport}`);
          break;
        case "refresh":
          this.refreshes.push(action.link);
          break;
        case "end":
          this.ended = action;
      }
    }
  }

  #live(): boolean {
    return this.statuses.at(-1)?.startsWith("live") ?? false;
  }

  #receive(id: number, message: ClientMessage): void {
    const session = this.sessions.get(id);
    if (session === undefined) throw new Error(`${message.type} said on a connection that is gone`);
    this.said.push(message);
    if (message.type === "hello") this.#join(session, message.since == null ? null : parseCursor(message.since));
    if ("ref" in message) {
      this.#carryOut(message.ref);
      const ack: Ack = { type: "ack", ref: message.ref, render_id: "rnd_1", status: "queued", deduplicated: false };
      session.queue.push({ message: ack, at: null });
    }
  }

  #carryOut(ref: string): void {
    this.done.set(ref, (this.done.get(ref) ?? 0) + 1);
  }

  #join(session: Session, since: Cursor | null): void {
    session.stage = "joined";
    const at = { epoch: this.epoch, seq: this.top };
    const recovered = since?.epoch === this.epoch && since.seq <= this.top && since.seq >= this.floor;
    if (session.transport === "socket") {
      const place = { connection: "con_1", epoch: this.epoch, seq: this.top, ping_s: 25, token_expires_at: null };
      const nobody = { count: null, members: null };
      session.queue.push({ message: { type: "welcome", recovered, ...place, ...nobody }, at: null });
    }
    if (!recovered) return this.#queue(session, { type: "snapshot", seq: this.top, renders: [], more: false }, at);
    for (let seq = since.seq + 1; seq <= this.top; seq++) {
      const event = { type: "render.queued", seq, render_id: "rnd_1", attempt: 1, data: BRIEF } as const;
      this.#queue(session, event, { epoch: this.epoch, seq });
    }
  }

  #queue(session: Session, message: ServerMessage, at: Cursor): void {
    session.queue.push({ message, at: session.transport === "socket" ? null : at });
  }
}
