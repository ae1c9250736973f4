/**
 * A room's client without any connection: what happens and a clock go in, actions come out.
 *
 * It decides which transport to use (socket, server-sent events, long poll: the ladder), when to come back after a loss,
 * which messages are news, and when a command is sent again. A better transport is tried beside the one in use and takes
 * over once it is in the room, so that nothing is missed in between. Times are milliseconds of one clock.
 */

import { Commands } from "./commands.js";
import type { Cursor } from "./cursor.js";
import { Lane } from "./lane.js";
import type { ClientMessage, CommandMessage, Filter, RoomError, ServerMessage } from "./messages.js";
import { Problem } from "./problem.js";
import type { Timing } from "./timing.js";
import { verdictOf, type Cause } from "./verdict.js";

/** The transports, the best first. */
export type Transport = "socket" | "sse" | "poll";
export type Status = "connecting" | "live" | "waiting" | "closed";

export type Action =
  | { do: "open"; link: number; transport: Transport; since: Cursor | null; filter: Filter | undefined }
  | { do: "send"; link: number; message: ClientMessage }
  | { do: "drop"; link: number }
  | { do: "deliver"; message: ServerMessage; cursor: Cursor | null }
  | { do: "request"; message: CommandMessage }
  | { do: "settle"; answer: ServerMessage & { ref: string }; resent: boolean }
  | { do: "refresh"; link: number }
  | { do: "status"; status: Status; transport: Transport }
  | { do: "end"; problem: Problem | null };

interface Link {
  readonly id: number;
  readonly transport: Transport;
  readonly since: Cursor | null;
  epoch: string;
  joinedAt: number | null;
  heardAt: number;
  error: RoomError | null;
}

/** A transport is left after so many misses in a row; a connection that never got into the room counts twice. */
const MISSES = 4;

export interface MachineOptions {
  readonly transports: readonly Transport[];
  readonly since: Cursor | null;
  readonly filter: Filter | undefined;
  readonly timing: Timing;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class Machine {
  readonly #options: MachineOptions;
  readonly #lane: Lane;
  readonly #commands = new Commands();
  #filter: Filter | undefined;
  #actions: Action[] = [];
  #links = 0;
  #main: Link | null = null;
  #probe: Link | null = null;
  #rung = 0;
  #misses = 0;
  #failures = 0;
  #refusals = 0;
  #wakeAt = Infinity;
  #climbAt = Infinity;
  #climbs = 0;
  #refreshing = false;
  #status: Status | null = null;
  #shown: Transport | null = null;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#lane = new Lane(options.since);
    this.#filter = options.filter;
  }

  /** Behind the newest message that was delivered. */
  get cursor(): Cursor | null {
    return this.#lane.cursor;
  }

  get closed(): boolean {
    return this.#status === "closed";
  }

  /** True while a command waits for its answer. */
  get busy(): boolean {
    return this.#commands.busy;
  }

  /** When `tick` has to be called at the latest. */
  get due(): number {
    if (this.closed) return Infinity;
    const links = [this.#main, this.#probe].map((link) => (link === null ? Infinity : this.#deadline(link)));
    return Math.min(...links, this.#wakeAt, this.#climbAt, this.#commands.due());
  }

  // --- what the caller wants ----------------------------------------------------------------------------------------

  start(now: number): Action[] {
    this.#openMain(now);
    return this.#take();
  }

  stop(): Action[] {
    this.#end(null);
    return this.#take();
  }

  command(message: CommandMessage, now: number): Action[] {
    this.#commands.add(message);
    this.#flush(now);
    return this.#take();
  }

  /** Nobody waits for this command any more, or its request has been answered. Returns whether it had been sent before. */
  forget(ref: string): { known: boolean; resent: boolean } {
    return this.#commands.settle(ref);
  }

  /** Hear something else from now on. */
  subscribe(filter: Filter, now: number): Action[] {
    this.#filter = filter;
    const main = this.#main;
    if (main?.transport === "socket") {
      if (main.joinedAt !== null) this.#do({ do: "send", link: main.id, message: { type: "subscribe", filter } });
    } else if (main !== null) {
      this.#drop(main);
      this.#openMain(now);
    }
    return this.#take();
  }

  // --- what connections say -----------------------------------------------------------------------------------------

  /** The connection is there: the socket is open, the stream or the poll was answered. */
  opened(id: number, now: number): Action[] {
    const link = this.#find(id);
    if (link !== null) {
      link.heardAt = now;
      if (link.transport === "socket") this.#sayHello(link);
      else if (link.joinedAt === null) this.#joined(link, now);
    }
    return this.#take();
  }

  /** Bytes came that say nothing but that the connection lives. */
  alive(id: number, now: number): Action[] {
    const link = this.#find(id);
    if (link !== null) link.heardAt = now;
    return this.#take();
  }

  /** A message; `at` is its place when the transport says it beside the message. */
  heard(id: number, message: ServerMessage, at: Cursor | null, now: number): Action[] {
    const link = this.#find(id);
    if (link !== null) {
      link.heardAt = now;
      if (at !== null) link.epoch = at.epoch;
      this.#hear(link, message, at, now);
    }
    return this.#take();
  }

  /** Everything wanted up to here has been told on this connection. */
  marked(id: number, at: Cursor, now: number): Action[] {
    const link = this.#find(id);
    if (link !== null) {
      link.heardAt = now;
      if (link === this.#main) this.#lane.mark(at);
    }
    return this.#take();
  }

  /** The connection is gone. */
  lost(id: number, cause: Cause, now: number): Action[] {
    const link = this.#find(id);
    if (link !== null) this.#lose(link, cause, now);
    return this.#take();
  }

  // --- tokens -------------------------------------------------------------------------------------------------------

  /** There is a newer token; `link` is the one that asked. */
  refreshed(id: number, token: string, now: number): Action[] {
    this.#refreshing = false;
    const link = this.#find(id);
    if (link?.transport === "socket") this.#do({ do: "send", link: id, message: { type: "auth.refresh", token } });
    else if (!this.closed && this.#main === null) this.#openMain(now);
    return this.#take();
  }

  /** There is none: `problem` says that there never will be, null that it is to be tried again. */
  notRefreshed(id: number, problem: Problem | null, now: number): Action[] {
    this.#refreshing = false;
    if (this.#find(id) !== null || this.closed || this.#main !== null) return this.#take();
    if (problem !== null) this.#end(problem);
    else this.#comeBack(this.#backoff(0), now);
    return this.#take();
  }

  // --- what time and the surroundings say ---------------------------------------------------------------------------

  tick(now: number): Action[] {
    for (const link of [this.#probe, this.#main]) {
      if (link !== null && now >= this.#deadline(link)) this.#lose(link, { kind: "broken" }, now);
    }
    if (now >= this.#wakeAt) this.#openMain(now);
    if (now >= this.#climbAt) this.#climb(now);
    this.#flush(now);
    return this.#take();
  }

  /** The network may be another, or the page is looked at again: do not wait for timers. */
  nudge(changed: "network" | "attention", now: number): Action[] {
    const main = this.#main;
    if (this.#wakeAt < Infinity) this.#openMain(now);
    else if (main?.joinedAt != null && this.#probe === null) {
      if (this.#rung > 0) this.#climb(now);
      else if (changed === "network") this.#openProbe(this.#rung, now);
      else if (now - main.heardAt > this.#options.timing.silenceMs[main.transport] / 2) {
        this.#lose(main, { kind: "broken" }, now);
      }
    }
    return this.#take();
  }

  // --- hearing ------------------------------------------------------------------------------------------------------

  #hear(link: Link, message: ServerMessage, at: Cursor | null, now: number): void {
    switch (message.type) {
      case "welcome":
        link.epoch = message.epoch;
        return this.#joined(link, now);
      case "ping":
        return this.#do({ do: "send", link: link.id, message: { type: "pong" } });
      case "auth.expiring":
        return this.#refresh(link.id);
      case "ack":
        return this.#settle(message);
      case "error":
        if (message.ref != null) return this.#settle({ ...message, ref: message.ref });
        link.error = message;
        return;
    }
    if (link !== this.#main) return; // a stream that is only being tried: it takes over by `opened`, before it says more
    const place = at ?? ("seq" in message && typeof message.seq === "number" ? { epoch: link.epoch, seq: message.seq } : null);
    if (message.type === "cursor") {
      if (place !== null) this.#lane.mark(place);
    } else if (place === null) {
      this.#do({ do: "deliver", message, cursor: null });
    } else if (message.type === "snapshot" ? this.#lane.admitSnapshot(place, link.since) : this.#lane.admitEvent(place)) {
      this.#do({ do: "deliver", message, cursor: place });
    }
  }

  #settle(answer: ServerMessage & { ref: string }): void {
    const { known, resent } = this.#commands.settle(answer.ref);
    if (known) this.#do({ do: "settle", answer, resent });
  }

  /** Send what may be sent; by request where there is no socket. */
  #flush(now: number): void {
    const main = this.#main;
    if (main === null || main.joinedAt === null) return;
    for (const { message, fits } of this.#commands.take(now, main.transport === "socket")) {
      this.#do(fits ? { do: "send", link: main.id, message } : { do: "request", message });
    }
  }

  // --- connections --------------------------------------------------------------------------------------------------

  #openMain(now: number): void {
    this.#wakeAt = Infinity;
    this.#main = this.#open(this.#rung, now);
    this.#show("connecting");
  }

  #openProbe(rung: number, now: number): void {
    this.#climbAt = Infinity;
    this.#probe = this.#open(rung, now);
  }

  #open(rung: number, now: number): Link {
    const transport = this.#options.transports[rung] ?? "poll";
    const since = this.#lane.cursor;
    const id = ++this.#links;
    const link = { id, transport, since, epoch: since?.epoch ?? "", joinedAt: null, heardAt: now, error: null };
    this.#do({ do: "open", link: id, transport, since, filter: this.#filter });
    return link;
  }

  #sayHello(link: Link): void {
    const since = link.since === null ? {} : { since: `${link.since.epoch}.${link.since.seq}` };
    const filter = this.#filter === undefined ? {} : { filter: this.#filter };
    this.#do({ do: "send", link: link.id, message: { type: "hello", ...since, ...filter } });
  }

  #joined(link: Link, now: number): void {
    link.joinedAt = now;
    this.#refusals = 0;
    if (link === this.#probe) {
      const old = this.#main;
      this.#probe = null;
      this.#main = link;
      if (old !== null) this.#do({ do: "drop", link: old.id });
      this.#misses = 0;
    }
    this.#rung = this.#options.transports.indexOf(link.transport);
    if (this.#rung === 0) this.#climbs = 0;
    this.#climbAt = this.#rung === 0 ? Infinity : now + this.#climbDelay();
    this.#commands.rewind();
    this.#show("live");
    this.#flush(now);
  }

  /** A link is gone, by its own will or because we give it up. */
  #lose(link: Link, cause: Cause, now: number): void {
    this.#drop(link);
    const verdict = verdictOf(cause);
    if (verdict === "stop") return this.#end(problemFrom(cause, link.error));
    if (link === this.#probe) {
      this.#probe = null;
      if (this.#rung > 0 && this.#main !== null) this.#climbAt = now + this.#climbDelay();
      return;
    }
    this.#main = null;
    if (link.joinedAt !== null && now - link.joinedAt >= this.#options.timing.stableMs) {
      this.#failures = 0;
      this.#misses = 0;
    }
    if (this.#probe !== null) {
      this.#main = this.#probe; // it is on its way already
      this.#probe = null;
      this.#show("connecting");
      return;
    }
    if (verdict === "refresh") return this.#comeBackWithAnotherToken(link, cause);
    if (cause.kind === "broken" || verdict === "unusable" || !isSaid(cause)) {
      this.#miss(verdict === "unusable" ? MISSES : link.joinedAt === null ? 2 : 1);
    }
    this.#comeBack(this.#pause(verdict, cause, link.error), now);
  }

  /** Take the next transport after too many misses; below the last comes the first. */
  #miss(count: number): void {
    this.#misses += count;
    if (this.#misses < MISSES) return;
    this.#misses = 0;
    this.#rung = (this.#rung + 1) % this.#options.transports.length;
  }

  #comeBack(pauseMs: number, now: number): void {
    this.#failures += 1;
    this.#wakeAt = now + pauseMs;
    this.#climbAt = Infinity;
    this.#show("waiting");
  }

  #comeBackWithAnotherToken(link: Link, cause: Cause): void {
    this.#refusals += 1;
    this.#climbAt = Infinity;
    if (this.#refusals > 1) return this.#end(problemFrom(cause, link.error));
    this.#show("waiting");
    this.#refresh(link.id);
  }

  #refresh(link: number): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    this.#do({ do: "refresh", link });
  }

  /** Try a better transport beside this one: the best, or alternately the next better one. */
  #climb(now: number): void {
    this.#climbs += 1;
    if (this.#main?.joinedAt == null || this.#probe !== null) {
      this.#climbAt = Infinity;
      return;
    }
    this.#openProbe(this.#climbs % 2 === 1 ? 0 : this.#rung - 1, now);
  }

  // --- pauses -------------------------------------------------------------------------------------------------------

  #deadline(link: Link): number {
    const { openMs, silenceMs } = this.#options.timing;
    return link.heardAt + (link.joinedAt === null ? openMs : silenceMs[link.transport]);
  }

  #pause(verdict: string, cause: Cause, error: RoomError | null): number {
    const { deployMs, overloadedMs } = this.#options.timing;
    const askedS = error?.retry_after_s ?? (cause.kind === "refused" ? cause.problem.retryAfterS : undefined);
    if (askedS != null) return askedS * 1000 * (1 + this.#options.random() / 4);
    if (verdict === "deploy") return deployMs * this.#options.random();
    return this.#backoff(verdict === "back off" || verdict === "later" ? overloadedMs : 0);
  }

  #backoff(leastMs: number): number {
    const [firstMs, mostMs] = this.#options.timing.backoffMs;
    const fullMs = Math.min(mostMs, Math.max(leastMs, firstMs) * 2 ** Math.min(this.#failures, 10));
    return fullMs * (0.5 + this.#options.random() / 2);
  }

  #climbDelay(): number {
    const [firstMs, mostMs] = this.#options.timing.climbMs;
    return Math.min(mostMs, firstMs * 2 ** Math.min(this.#climbs, 10)) * (0.8 + 0.4 * this.#options.random());
  }

  // --- the end, and small things ------------------------------------------------------------------------------------

  #end(problem: Problem | null): void {
    if (this.closed) return;
    for (const link of [this.#main, this.#probe]) if (link !== null) this.#do({ do: "drop", link: link.id });
    this.#main = this.#probe = null;
    this.#wakeAt = this.#climbAt = Infinity;
    this.#show("closed");
    this.#do({ do: "end", problem });
  }

  #drop(link: Link): void {
    this.#do({ do: "drop", link: link.id });
  }

  #find(id: number): Link | null {
    return [this.#main, this.#probe].find((link) => link?.id === id) ?? null;
  }

  #show(status: Status): void {
    const transport = this.#main?.transport ?? this.#options.transports[this.#rung] ?? "poll";
    if (status === this.#status && transport === this.#shown) return;
    this.#status = status;
    this.#shown = transport;
    this.#do({ do: "status", status, transport });
  }

  #do(action: Action): void {
    this.#actions.push(action);
  }

  #take(): Action[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }
}

function isSaid(cause: Cause): boolean {
  return cause.kind === "refused" || (cause.kind === "closed" && (cause.code >= 4000 || cause.code === 1012 || cause.code === 1013));
}

/** Why a room ended, as the server said it. */
function problemFrom(cause: Cause, error: RoomError | null): Problem {
  if (cause.kind === "refused") return cause.problem;
  const code = cause.kind === "closed" ? cause.code : 0;
  const status = code >= 4000 ? code - 4000 : 503;
  return new Problem({
    status,
    code: error?.code ?? "closed",
    detail: error?.message ?? (cause.kind === "closed" ? cause.reason : "") ?? "",
    errors: error?.errors ?? [],
  });
}
