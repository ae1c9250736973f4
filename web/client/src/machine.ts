/**
 * A room's client without any connection: what happens and a clock go in, actions come out.
 *
 * It decides which transport to use (socket, server-sent events, long poll: the ladder), when to come back after a
 * loss, which messages are news, and when a command is sent again. A better transport is tried beside the one in use
 * and takes over once it is in the room: nothing is missed in between. Times are milliseconds of one clock.
 */

import type { Action, Answer, LinkState, MachineOptions, Status } from "./actions.js";
import { Commands } from "./commands.js";
import { formatCursor, type Cursor } from "./cursor.js";
import { Ladder, type Transport } from "./ladder.js";
import { Lane } from "./lane.js";
import { presenceOf, type CommandMessage, type Filter, type ServerMessage } from "./messages.js";
import type { Problem } from "./problem.js";
import { Renewal } from "./renewal.js";
import type { Timing } from "./timing.js";
import { problemFrom, verdictOf, type Cause } from "./verdict.js";

export class Machine {
  readonly #timing: Timing;
  readonly #lane: Lane;
  readonly #ladder: Ladder;
  readonly #renewal: Renewal;
  readonly #commands = new Commands();
  readonly #presence: MachineOptions["presence"];
  #filter: Filter | undefined;
  readonly #actions: Action[] = [];
  #links = 0;
  #main: LinkState | null = null;
  #probe: LinkState | null = null;
  #wakeAt = Infinity;
  #climbAt = Infinity;
  #paused = false;
  #status: Status | null = null;
  #shown: Transport | null = null;

  constructor(options: MachineOptions) {
    this.#timing = options.timing;
    this.#lane = new Lane(options.since);
    this.#ladder = new Ladder(options.transports, options.timing, options.random);
    this.#renewal = new Renewal(options.timing.refreshMs);
    this.#filter = options.filter;
    this.#presence = options.presence;
  }

  /** Behind the newest message that was delivered. */
  get cursor(): Cursor | null {
    return this.#lane.cursor;
  }

  get closed(): boolean {
    return this.#status === "closed";
  }

  /** When `tick` has to be called at the latest. */
  get due(): number {
    const links = [this.#main, this.#probe].map((link) => (link === null ? Infinity : this.#deadline(link)));
    const commandsAt = this.#main?.joinedAt == null ? Infinity : this.#commands.due();
    return Math.min(...links, this.#wakeAt, this.#climbAt, this.#renewal.due, commandsAt);
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
    if (this.#paused) return this.resume(now);
    this.#flush(now);
    return this.#take();
  }

  /** Hear no more for now: the reader is too slow. Not while a command waits for its answer. */
  pause(): Action[] {
    if (this.closed || this.#paused || this.#commands.busy) return [];
    this.#paused = true;
    this.#dropAll();
    this.#show("waiting");
    return this.#take();
  }

  /** Go on after `pause`, where it was. */
  resume(now: number): Action[] {
    if (!this.#paused) return [];
    this.#paused = false;
    if (!this.closed && this.#main === null) this.#openMain(now);
    return this.#take();
  }

  /** Nobody waits for this command any more, or its request has been answered. Returns whether it had been sent before. */
  forget(ref: string): { known: boolean; resent: boolean } {
    return this.#commands.settle(ref);
  }

  /** Hear something else from now on. */
  subscribe(filter: Filter, now: number): Action[] {
    this.#filter = filter;
    const [main, probe] = [this.#main, this.#probe];
    if (probe !== null && probe.transport !== "socket") this.#lose(probe, { kind: "unmade" }, now);
    if (main?.transport === "socket") this.#sayFilter(main);
    else if (main !== null) {
      this.#drop(main);
      this.#openMain(now);
    }
    return this.#take();
  }

  // --- what connections say -----------------------------------------------------------------------------------------

  /** The connection is there: the socket is open, the stream or the poll was answered. */
  opened(id: number, now: number): Action[] {
    return this.#on(id, now, (link) => {
      if (link.transport === "socket") this.#sayHello(link);
      else if (link.joinedAt === null) this.#joined(link, now);
    });
  }

  /** Bytes came that say nothing but that it lives. */
  alive(id: number, now: number): Action[] {
    return this.#on(id, now, () => undefined);
  }

  /** A message; `at` is its place when the transport says it beside the message. */
  heard(id: number, message: ServerMessage, at: Cursor | null, now: number): Action[] {
    return this.#on(id, now, (link) => {
      if (at !== null) link.epoch = at.epoch;
      this.#hear(link, message, at, now);
    });
  }

  /** Everything wanted up to here has been told on this connection. */
  marked(id: number, at: Cursor, now: number): Action[] {
    return this.#on(id, now, (link) => link === this.#main && this.#lane.mark(at));
  }

  /** The connection is gone. */
  lost(id: number, cause: Cause, now: number): Action[] {
    return this.#on(id, now, (link) => this.#lose(link, cause, now));
  }

  // --- tokens -------------------------------------------------------------------------------------------------------

  /** There is a newer token; `link` is the one that asked. */
  refreshed(id: number, token: string, now: number): Action[] {
    this.#renewal.answered();
    const link = this.#find(id) ?? this.#main;
    if (link?.transport === "socket" && link.joinedAt !== null) {
      this.#do({ do: "send", link: link.id, message: { type: "auth.refresh", token } });
    } else if (link === null && !this.closed && !this.#paused) this.#openMain(now);
    return this.#take();
  }

  /** There is none. `again`: asking once more may help; else the room ends, with what the server said, or that problem. */
  notRefreshed(id: number, why: "again" | "never" | Problem, now: number): Action[] {
    this.#renewal.answered();
    if (this.#find(id) !== null || this.#main !== null || this.closed || this.#paused) return this.#take();
    if (why !== "again") this.#end(why === "never" ? this.#renewal.refusal : why);
    else this.#comeBack(this.#ladder.pause("again", null, null), now);
    return this.#take();
  }

  // --- what time and the surroundings say ---------------------------------------------------------------------------

  tick(now: number): Action[] {
    for (const link of [this.#probe, this.#main]) {
      if (link === null || now < this.#deadline(link)) continue;
      // Server-sent events that do not begin are kept back by something that wants to see their end.
      const kept = link.joinedAt === null && link.transport === "sse";
      this.#lose(link, { kind: kept ? "impassable" : "broken" }, now);
    }
    if (now >= this.#wakeAt) this.#openMain(now);
    if (now >= this.#climbAt) this.#climb(now);
    if (this.#main !== null) this.#renew(this.#main.id, now);
    this.#flush(now);
    return this.#take();
  }

  /** The network may be another, or the page is looked at again: do not wait for timers. */
  nudge(changed: "network" | "attention", now: number): Action[] {
    const main = this.#main;
    if (this.#wakeAt < Infinity) this.#openMain(now);
    else if (main?.joinedAt != null && this.#probe === null) {
      if (!this.#ladder.isTop) this.#climb(now);
      else if (changed === "network") this.#openProbe(this.#ladder.transport, now);
      else if (now - main.heardAt > this.#timing.silenceMs * 0.75) this.#lose(main, { kind: "broken" }, now);
    }
    return this.#take();
  }

  // --- hearing ------------------------------------------------------------------------------------------------------

  #hear(link: LinkState, message: ServerMessage, at: Cursor | null, now: number): void {
    switch (message.type) {
      case "welcome":
        link.epoch = message.epoch;
        this.#joined(link, now);
        for (const presence of presenceOf(message)) this.#do({ do: "deliver", message: presence, cursor: null });
        return;
      case "ping":
        return this.#do({ do: "send", link: link.id, message: { type: "pong" } });
      case "auth.expiring":
        this.#renewal.warned(now);
        return this.#renew(link.id, now);
      case "ack":
        return this.#settle(message);
      case "error":
        if (message.ref != null) return this.#settle({ ...message, ref: message.ref });
        link.error = message;
        return;
    }
    if (link !== this.#main) return; // one that is only being tried takes over before it says more
    const seq = "seq" in message && typeof message.seq === "number" ? message.seq : null;
    const place = at ?? (seq === null ? null : { epoch: link.epoch, seq });
    if (message.type === "cursor") {
      if (place !== null) this.#lane.mark(place);
    } else if (place === null) {
      this.#do({ do: "deliver", message, cursor: null });
    } else if (
      message.type === "snapshot" ? this.#lane.admitSnapshot(place, link.since) : this.#lane.admitEvent(place)
    ) {
      this.#do({ do: "deliver", message, cursor: place });
    }
  }

  #settle(answer: Answer): void {
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
    this.#main = this.#open(this.#ladder.transport, now);
    this.#show("connecting");
  }

  #openProbe(transport: Transport, now: number): void {
    this.#climbAt = Infinity;
    this.#probe = this.#open(transport, now);
  }

  #open(transport: Transport, now: number): LinkState {
    const since = this.#lane.cursor;
    const id = ++this.#links;
    const filter = this.#filter;
    this.#do({ do: "open", link: id, transport, since, filter });
    return { id, transport, since, filter, epoch: since?.epoch ?? "", joinedAt: null, heardAt: now, error: null };
  }

  #sayHello(link: LinkState): void {
    const since = link.since === null ? {} : { since: formatCursor(link.since) };
    const filter = this.#filter === undefined ? {} : { filter: this.#filter };
    const presence = this.#presence === null ? {} : { presence: true, ...this.#presence };
    link.filter = this.#filter;
    this.#do({ do: "send", link: link.id, message: { type: "hello", ...since, ...filter, ...presence } });
  }

  /** Say a filter that is newer than the hello. */
  #sayFilter(link: LinkState): void {
    if (link.joinedAt === null || link.filter === this.#filter || this.#filter === undefined) return;
    link.filter = this.#filter;
    this.#do({ do: "send", link: link.id, message: { type: "subscribe", filter: this.#filter } });
  }

  #joined(link: LinkState, now: number): void {
    if (link === this.#probe && !this.#lane.goesOnFrom(link.since)) return this.#lose(link, { kind: "unmade" }, now);
    link.joinedAt = now;
    this.#renewal.accepted();
    this.#ladder.joined(link.transport, link === this.#probe);
    if (link === this.#probe) {
      this.#drop(this.#main);
      this.#probe = null;
      this.#main = link;
    }
    this.#climbAt = this.#ladder.isTop ? Infinity : now + this.#ladder.climbDelay();
    this.#commands.rewind();
    if (link.transport === "socket") this.#sayFilter(link);
    this.#show("live");
    this.#flush(now);
  }

  /** A link is gone, by its own will or because we give it up. */
  #lose(link: LinkState, cause: Cause, now: number): void {
    this.#drop(link);
    const verdict = verdictOf(cause);
    if (verdict === "stop") return this.#end(problemFrom(cause, link.error));
    if (link === this.#probe) {
      this.#probe = null;
      if (!this.#ladder.isTop && this.#main !== null) this.#climbAt = now + this.#ladder.climbDelay();
      return;
    }
    this.#main = null;
    this.#renewal.forget(); // the next connection warns again
    const probe = this.#probe;
    this.#probe = null;
    if (probe !== null && this.#lane.goesOnFrom(probe.since)) {
      this.#main = probe; // it is on its way already
      return this.#show("connecting");
    }
    this.#drop(probe);
    if (verdict === "refresh") return this.#comeBackWithAnotherToken(link, cause, now);
    this.#ladder.lost(cause, link.joinedAt === null ? null : now - link.joinedAt);
    this.#comeBack(this.#ladder.pause(verdict, cause, link.error), now);
  }

  #comeBack(pauseMs: number, now: number): void {
    this.#wakeAt = now + pauseMs;
    this.#climbAt = Infinity;
    this.#show("waiting");
  }

  #comeBackWithAnotherToken(link: LinkState, cause: Cause, now: number): void {
    const problem = problemFrom(cause, link.error);
    this.#climbAt = Infinity;
    if (!this.#renewal.refused(problem)) return this.#end(problem);
    this.#show("waiting");
    if (this.#renewal.ask(now)) this.#do({ do: "refresh", link: link.id });
  }

  #renew(link: number, now: number): void {
    if (now >= this.#renewal.due && this.#renewal.ask(now)) this.#do({ do: "refresh", link });
  }

  /** Try a better transport beside this one. */
  #climb(now: number): void {
    this.#climbAt = Infinity;
    if (this.#main?.joinedAt != null && this.#probe === null) this.#openProbe(this.#ladder.climb(), now);
  }

  #deadline(link: LinkState): number {
    return link.heardAt + (link.joinedAt === null ? this.#timing.openMs[link.transport] : this.#timing.silenceMs);
  }

  #end(problem: Problem | null): void {
    if (this.closed) return;
    this.#dropAll();
    this.#show("closed");
    this.#do({ do: "end", problem });
  }

  #dropAll(): void {
    for (const link of [this.#main, this.#probe]) this.#drop(link);
    this.#main = this.#probe = null;
    this.#wakeAt = this.#climbAt = Infinity;
    this.#renewal.forget();
  }

  #drop(link: LinkState | null): void {
    if (link !== null) this.#do({ do: "drop", link: link.id });
  }

  #find(id: number): LinkState | null {
    return [this.#main, this.#probe].find((link) => link?.id === id) ?? null;
  }

  #show(status: Status): void {
    const transport = this.#main?.transport ?? this.#ladder.transport;
    if (status === this.#status && transport === this.#shown) return;
    this.#status = status;
    this.#shown = transport;
    this.#do({ do: "status", status, transport });
  }

  /** What a connection says that is not given up; it lives, as it speaks. */
  #on(id: number, now: number, act: (link: LinkState) => unknown): Action[] {
    const link = this.#find(id);
    if (link !== null) {
      link.heardAt = now;
      act(link);
    }
    return this.#take();
  }

  #do(action: Action): void {
    this.#actions.push(action);
  }

  #take(): Action[] {
    return this.#actions.splice(0);
  }
}
