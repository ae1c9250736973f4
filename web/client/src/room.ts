/** A project's room: hears what happens, over whatever the network lets through, and gives commands. */

import type { Action, Answer, Status } from "./actions.js";
import { formatCursor, parseCursor } from "./cursor.js";
import { lookAtConflict, performCommand } from "./command-requests.js";
import { randomRef } from "./http.js";
import { Inbox } from "./inbox.js";
import type { Transport } from "./ladder.js";
import type { Link, LinkEvents } from "./links/link.js";
import { openPoll } from "./links/poll.js";
import { openSocket } from "./links/socket.js";
import { openStream } from "./links/sse.js";
import { Machine } from "./machine.js";
import type { Ack, CommandMessage, Filter, RoomMessage, RoomMessageType } from "./messages.js";
import { Problem } from "./problem.js";
import type { CommandOptions, RoomEvents, RoomOptions, RoomSetting } from "./room-options.js";
import { watchSurroundings, wakefulClock } from "./surroundings.js";
import type { RenderRequest } from "./types.js";

type Told<Type> = Type extends keyof RoomEvents ? RoomEvents[Type] : RoomMessage & { type: Type };

interface Waiting {
  readonly message: CommandMessage;
  readonly resolve: (ack: Ack) => void;
  readonly reject: (error: unknown) => void;
}

/** What tells of the room itself needs no connection. */
const ABOUT_ITSELF: ReadonlySet<string> = new Set(["status", "closed"]);

/** More than this many messages that wait to be read, and the room stops hearing until half of them are read. */
export const MOST_WAITING = 1000;

/**
 * Iterate over it, or listen with `on`: it is connected while somebody does either or waits for a command's answer.
 * A durable event is told once and in order. Coming back after everybody left goes on where they were.
 */
export class Room implements AsyncIterable<RoomMessage> {
  readonly projectId: string;
  readonly #setting: RoomSetting;
  readonly #transports: readonly Transport[];
  readonly #presence: { readonly name?: string } | null;
  readonly #clock = wakefulClock();
  readonly #links = new Map<number, Link>();
  readonly #inboxes = new Set<Inbox>();
  #unread: Inbox | null = null;
  readonly #listeners = new Map<string, Set<(told: never) => void>>();
  readonly #waiting = new Map<string, Waiting>();
  #machine: Machine | null = null;
  #since: string | undefined;
  #filter: Filter | undefined;
  #status: Status = "waiting";
  #transport: Transport;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: () => void = () => undefined;

  constructor(setting: RoomSetting, options: RoomOptions) {
    const wanted = options.transports ?? ["socket", "sse", "poll"];
    this.#transports = wanted.filter((transport) => transport !== "socket" || setting.socketClass !== null);
    if (this.#transports.length === 0) throw new TypeError("there is no WebSocket here: give the client one");
    if (options.since !== undefined && parseCursor(options.since) === null) throw new TypeError("since is no cursor");
    this.projectId = setting.projectId;
    this.#setting = setting;
    this.#since = options.since;
    this.#filter = options.filter;
    const { presence = false } = options;
    this.#presence = presence === true ? {} : presence === false ? null : presence;
    this.#transport = this.#transports[0] ?? "poll";
  }

  // --- what the room is ---------------------------------------------------------------------------------------------

  /** The place of the message you were handed last, of the slowest reader's if there are several: give it as `since`. */
  get cursor(): string | undefined {
    const slowest = [...this.#inboxes].sort((one, other) => other.size - one.size)[0];
    return slowest !== undefined && slowest.size > 0 ? slowest.cursor : this.#heard();
  }

  get status(): Status {
    return this.#status;
  }

  /** The transport in use, or being tried. */
  get transport(): Transport {
    return this.#transport;
  }

  // --- hearing ------------------------------------------------------------------------------------------------------

  /** The messages from now on. Throws `Problem` when coming back is of no use; leaving the loop leaves the room. */
  [Symbol.asyncIterator](): AsyncIterableIterator<RoomMessage> {
    const inbox = this.#unread ?? this.#addInbox();
    this.#unread = null;
    this.#enter();
    return inbox;
  }

  /** Call `listener` for every message of a type, for every `message`, change of `status`, or when `closed`. */
  on<Type extends RoomMessageType | keyof RoomEvents>(type: Type, listener: (told: Told<Type>) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    if (!ABOUT_ITSELF.has(type)) {
      if (this.#unread !== null) this.#inboxes.delete(this.#unread);
      this.#unread = null;
      this.#enter();
    }
    return () => {
      listeners.delete(listener);
      this.#someoneLeft();
    };
  }

  /** Hear something else from now on. */
  subscribe(filter: Filter): void {
    this.#filter = filter;
    if (this.#machine !== null) this.#perform(this.#machine.subscribe(filter, this.#clock()));
  }

  /** Leave: loops end, commands that wait are given up. */
  close(): void {
    if (this.#machine !== null) this.#perform(this.#machine.stop());
  }

  // --- commands -----------------------------------------------------------------------------------------------------

  /** Submit a render. */
  create(spec: RenderRequest, options: CommandOptions = {}): Promise<Ack> {
    const data = spec as unknown as Record<string, unknown>;
    return this.#command({ type: "render.create", ref: options.ref ?? randomRef(), data }, options.signal);
  }

  /** Stop a render. */
  cancel(renderId: string, options: CommandOptions = {}): Promise<Ack> {
    const ref = options.ref ?? randomRef();
    return this.#command({ type: "render.cancel", ref, render_id: renderId }, options.signal);
  }

  /** Start a failed render anew. */
  retry(renderId: string, options: CommandOptions = {}): Promise<Ack> {
    const ref = options.ref ?? randomRef();
    return this.#command({ type: "render.retry", ref, render_id: renderId }, options.signal);
  }

  #command(message: CommandMessage, signal: AbortSignal | undefined): Promise<Ack> {
    return new Promise<Ack>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.#waiting.has(message.ref)) return reject(new TypeError(`a command ${message.ref} is on its way`));
      const abort = () => {
        this.#machine?.forget(message.ref);
        this.#answered(message.ref)?.reject(signal?.reason);
      };
      const done = () => signal?.removeEventListener("abort", abort);
      this.#waiting.set(message.ref, {
        message,
        resolve: (ack) => (done(), resolve(ack)),
        reject: (error) => (done(), reject(error as Error)),
      });
      signal?.addEventListener("abort", abort, { once: true });
      const machine = this.#enter();
      this.#perform(machine.command(message, this.#clock()));
    });
  }

  /** Nobody waits for this command any more; returns who did. */
  #answered(ref: string): Waiting | undefined {
    const waiting = this.#waiting.get(ref);
    this.#waiting.delete(ref);
    if (waiting !== undefined) this.#someoneLeft();
    return waiting;
  }

  async #settle(answer: Answer, resent: boolean): Promise<void> {
    const waiting = this.#waiting.get(answer.ref);
    if (waiting === undefined) return;
    try {
      const ack = answer.type === "ack" ? answer : await lookAtConflict(this.#setting, waiting.message, answer, resent);
      this.#answered(answer.ref)?.resolve(ack);
    } catch (error) {
      this.#answered(answer.ref)?.reject(error);
    }
  }

  async #request(message: CommandMessage): Promise<void> {
    const wanted = () => this.#waiting.has(message.ref);
    try {
      const ack = await performCommand(this.#setting, message, wanted);
      this.#machine?.forget(message.ref);
      this.#answered(message.ref)?.resolve(ack);
    } catch (error) {
      this.#machine?.forget(message.ref);
      this.#answered(message.ref)?.reject(error);
    }
  }

  // --- the machine and its world ------------------------------------------------------------------------------------

  #heard(): string | undefined {
    const cursor = this.#machine?.cursor;
    return cursor == null ? this.#since : formatCursor(cursor);
  }

  #enter(): Machine {
    if (this.#machine !== null) return this.#machine;
    this.#keepUnread();
    const { timing } = this.#setting;
    const since = this.#since === undefined ? null : parseCursor(this.#since);
    const options = { transports: this.#transports, since, filter: this.#filter, presence: this.#presence };
    const machine = (this.#machine = new Machine({ ...options, timing, random: Math.random }));
    this.#unwatch = watchSurroundings((changed) => this.#perform(machine.nudge(changed, this.#clock())));
    this.#perform(machine.start(this.#clock()));
    return machine;
  }

  /** Somebody hears what is said, or will once the present turn is over. */
  get #isHeard(): boolean {
    const heard = [...this.#listeners].some(([type, listeners]) => !ABOUT_ITSELF.has(type) && listeners.size > 0);
    return heard || this.#inboxes.size > (this.#unread === null ? 0 : 1);
  }

  /** Keep what is said while nobody hears it for whoever iterates next: between a command and a loop, say. */
  #keepUnread(): void {
    if (this.#unread === null && !this.#isHeard) this.#unread = this.#addInbox();
  }

  #addInbox(cursor = this.#heard()): Inbox {
    const left = (unread: RoomMessage[]) => {
      this.#inboxes.delete(inbox);
      if (this.#machine !== null && !this.#isHeard) {
        this.#unread = this.#addInbox(inbox.cursor);
        for (const message of unread) this.#unread.push(message);
      }
      this.#someoneLeft();
    };
    const inbox: Inbox = new Inbox(cursor, () => this.#wasRead(), left);
    this.#inboxes.add(inbox);
    return inbox;
  }

  /** Leave when nobody is there any more, once those who come at once have come. */
  #someoneLeft(): void {
    if (this.#machine === null) return;
    this.#keepUnread();
    setTimeout(() => {
      if (!this.#isHeard && this.#waiting.size === 0) this.close();
    }, 0);
  }

  #wasRead(): void {
    const fullest = Math.max(0, ...[...this.#inboxes].map((inbox) => inbox.size));
    if (fullest <= MOST_WAITING / 2 && this.#machine !== null) this.#perform(this.#machine.resume(this.#clock()));
  }

  #perform(actions: Action[]): void {
    for (const action of actions) this.#do(action);
    clearTimeout(this.#timer);
    const machine = this.#machine;
    if (machine === null) return;
    const waitMs = Math.min(Math.max(0, machine.due - this.#clock()), this.#setting.timing.lookMs);
    this.#timer = setTimeout(() => this.#perform(machine.tick(this.#clock())), waitMs);
  }

  #do(action: Action): void {
    switch (action.do) {
      case "open":
        this.#links.set(action.link, this.#open(action));
        return;
      case "send":
        return this.#links.get(action.link)?.send(action.message);
      case "drop":
        this.#links.get(action.link)?.drop();
        this.#links.delete(action.link);
        return;
      case "deliver": {
        const cursor = action.cursor === null ? {} : { cursor: formatCursor(action.cursor) };
        return this.#deliver({ ...action.message, ...cursor });
      }
      case "request":
        return void this.#request(action.message);
      case "settle":
        return void this.#settle(action.answer, action.resent);
      case "refresh":
        return void this.#refresh(action.link);
      case "status":
        this.#status = action.status;
        this.#transport = action.transport;
        return this.#tell("status", { status: action.status, transport: action.transport });
      case "end":
        return this.#end(action.problem);
    }
  }

  #open(start: Extract<Action, { do: "open" }>): Link {
    const { http, projectId, socketClass, socketAuth, timing } = this.#setting;
    const machine = this.#machine;
    if (machine === null) throw new Error("a room that was left opens nothing");
    const on = (say: (now: number) => Action[]) => this.#perform(say(this.#clock()));
    const events: LinkEvents = {
      opened: () => on((now) => machine.opened(start.link, now)),
      alive: () => on((now) => machine.alive(start.link, now)),
      heard: (message, at) => on((now) => machine.heard(start.link, message, at, now)),
      marked: (at) => on((now) => machine.marked(start.link, at, now)),
      lost: (cause) => on((now) => machine.lost(start.link, cause, now)),
    };
    if (start.transport === "sse") return openStream(http, projectId, start, events);
    if (start.transport === "poll") return openPoll(http, projectId, start, timing.pollWaitMs, events);
    if (socketClass === null) throw new Error("the ladder has no socket without a WebSocket");
    return openSocket(http, projectId, socketClass, socketAuth, events);
  }

  async #refresh(link: number): Promise<void> {
    const { credentials } = this.#setting.http;
    const machine = this.#machine;
    if (machine === null) return;
    if (!credentials.canRefresh) return this.#perform(machine.notRefreshed(link, "never", this.#clock()));
    try {
      const token = await credentials.refresh();
      this.#perform(machine.refreshed(link, token, this.#clock()));
    } catch (error) {
      const final = error instanceof Problem && error.status < 500 && error.status !== 429;
      this.#perform(machine.notRefreshed(link, final ? error : "again", this.#clock()));
    }
  }

  // --- telling ------------------------------------------------------------------------------------------------------

  #deliver(message: RoomMessage): void {
    for (const inbox of this.#inboxes) inbox.push(message);
    this.#tell(message.type, message);
    this.#tell("message", message);
    if ([...this.#inboxes].some((inbox) => inbox.size > MOST_WAITING) && this.#machine !== null) {
      for (const action of this.#machine.pause()) this.#do(action);
    }
  }

  #tell(type: string, told: unknown): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        (listener as (told: unknown) => void)(told);
      } catch (error) {
        queueMicrotask(() => {
          throw error; // a listener's mistake is its own: the others still hear
        });
      }
    }
  }

  #end(problem: Problem | null): void {
    // What was heard before the server ended it can still be read; who leaves reads no more.
    this.#since = problem === null ? this.cursor : this.#heard();
    this.#machine = null;
    this.#unread = null;
    this.#unwatch();
    const inboxes = [...this.#inboxes];
    this.#inboxes.clear();
    for (const inbox of inboxes) {
      if (problem === null) inbox.discard();
      inbox.end(problem);
    }
    for (const ref of [...this.#waiting.keys()]) {
      this.#answered(ref)?.reject(problem ?? new Problem({ status: 0, code: "closed", detail: "the room was left" }));
    }
    this.#tell("closed", problem);
  }
}
