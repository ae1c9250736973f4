import { describe, expect, test } from "vitest";
import { Problem } from "../../src/problem.js";
import { TIMING } from "../../src/timing.js";
import { CLOSE_CODES, type Cause } from "../../src/verdict.js";
import { Model } from "./room-model.js";

const closed = (code: number): Cause => ({ kind: "closed", code, reason: "" });
const refused = (status: number, code: string, retryAfterS?: number): Cause => ({
  kind: "refused",
  problem: new Problem({ status, code, detail: "" }, retryAfterS),
});

/** A model that is in the room. */
function live(...options: ConstructorParameters<typeof Model>): Model {
  const model = new Model(...options);
  model.settle();
  return model;
}

/** Lose the only connection and tell how long the room stays away. */
function lose(model: Model, cause: Cause): number {
  model.lose(model.only.id, cause);
  return model.machine.due - model.now;
}

/** Wait for the next connection. */
function wait(model: Model): Model {
  model.pass(model.machine.due - model.now);
  return model;
}

describe("joining", () => {
  test("says hello with the cursor and the filter", () => {
    const model = new Model(["socket"], { epoch: "e0", seq: 0 });
    expect(model.said).toEqual([]);
    model.pump();
    expect(model.said).toEqual([{ type: "hello", since: "e0.0" }]);
    model.settle();
    expect(model.statuses).toEqual(["connecting socket", "live socket"]);
  });

  test("answers a ping", () => {
    const model = live();
    model.say({ type: "ping" });
    expect(model.said.at(-1)).toEqual({ type: "pong" });
  });

  test("passes on words it does not know", () => {
    const model = live();
    model.say({ type: "member.joined", member: "ann" } as never);
    expect(model.told.at(-1)?.message).toEqual({ type: "member.joined", member: "ann" });
  });
});

describe("the close codes", () => {
  test.each([4400, 4403, 4404])("%i ends the room, with what the server said", (code) => {
    const model = live();
    model.say({ type: "error", code: "forbidden", message: "no", retryable: false });
    lose(model, closed(code));
    expect(model.ended?.problem).toMatchObject({ status: code - 4000, code: "forbidden", detail: "no" });
  });

  test("4401 asks for another token, then resumes", () => {
    const model = live();
    model.publish();
    model.settle();
    lose(model, closed(4401));
    expect([model.refreshes.length, model.sessions.size]).toEqual([1, 0]);
    model.answerRefresh(true);
    model.settle();
    expect(model.said.at(-1)).toMatchObject({ type: "hello", since: "e0.1" });
  });

  test("4401 twice without joining in between ends the room", () => {
    const model = live();
    lose(model, closed(4401));
    model.answerRefresh(true);
    lose(model, closed(4401));
    expect(model.ended?.problem?.status).toBe(401);
  });

  test("4429 waits as long as the server says, and a little more", () => {
    const model = live();
    model.say({ type: "error", code: "rate_limited", message: "", retryable: true, retry_after_s: 7 });
    expect(lose(model, closed(4429))).toBeCloseTo(7_875);
  });

  test("1012 comes back within 5 s, spread evenly", () => {
    expect(
      lose(
        live(["socket"], null, () => 0.2),
        closed(1012),
      ),
    ).toBeCloseTo(1_000);
    expect(
      lose(
        live(["socket"], null, () => 0.9),
        closed(1012),
      ),
    ).toBeCloseTo(4_500);
  });

  test.each([4408, 1013, 1006, 1011, 1000])("%i backs off", (code) => {
    expect(lose(live(), closed(code))).toBeCloseTo(75);
  });

  test("what the server says on purpose is no reason to leave the socket", () => {
    const model = live();
    for (const code of [...CLOSE_CODES.keys()].filter((code) => ![4400, 4401, 4403, 4404].includes(code))) {
      lose(model, closed(code));
      wait(model).settle();
    }
    expect(new Set(model.opened)).toEqual(new Set(["socket"]));
  });
});

describe("HTTP's answers", () => {
  test.each([400, 403, 404, 422])("a problem document with %i ends the room", (status) => {
    const model = live(["sse"]);
    lose(model, refused(status, "not_found"));
    expect(model.ended?.problem?.status).toBe(status);
  });

  test("429 and 503 wait for Retry-After", () => {
    for (const status of [429, 503]) expect(lose(live(["sse"]), refused(status, "unavailable", 3))).toBeCloseTo(3_375);
  });

  test("a proxy's page is a transport that does not work here", () => {
    const model = live(["sse", "poll"]);
    lose(model, refused(403, "unknown"));
    expect(wait(model).only.transport).toBe("poll");
  });
});

describe("the ladder", () => {
  test("is gone down after two breaks in a row, and begins anew below the last", () => {
    const model = new Model();
    for (let breaks = 0; breaks < 6; breaks++) {
      lose(model, { kind: "broken" });
      wait(model);
    }
    expect(model.opened).toEqual(["socket", "socket", "sse", "sse", "poll", "poll", "socket"]);
  });

  test("is gone down at once where something in between refuses", () => {
    const model = new Model();
    lose(model, { kind: "impassable" });
    expect(wait(model).only.transport).toBe("sse");
  });

  test("is stayed on three times while nobody is there", () => {
    const model = new Model();
    for (let tries = 0; tries < 3; tries++) {
      lose(model, { kind: "unmade" });
      wait(model);
    }
    expect(model.opened).toEqual(["socket", "socket", "socket", "sse"]);
  });

  test("is stayed on when a connection breaks that has lasted", () => {
    const model = live();
    for (let breaks = 0; breaks < 5; breaks++) {
      for (let s = 0; s < 31; s++) {
        model.pass(1_000);
        model.progress();
        model.pump();
      }
      lose(model, { kind: "broken" });
      wait(model).settle();
    }
    expect(new Set(model.opened)).toEqual(new Set(["socket"]));
  });

  test("waits longer each time, to 10 s, and anew after a connection that has lasted", () => {
    const model = new Model();
    const pauses = Array.from({ length: 9 }, () => {
      const pause = lose(model, { kind: "unmade" });
      wait(model);
      return Math.round(pause);
    });
    expect(pauses).toEqual([75, 150, 300, 600, 1200, 2400, 4800, 7500, 7500]);
    model.settle();
    expect(Math.round(lose(model, closed(1011)))).toBe(7500);
    wait(model).settle();
    model.pass(TIMING.restedMs);
    expect(Math.round(lose(model, closed(1011)))).toBe(75);
  });

  test("goes up beside what there is, later each time: the socket first, then the next", () => {
    const model = new Model();
    for (let breaks = 0; breaks < 4; breaks++) {
      lose(model, { kind: "broken" });
      wait(model);
    }
    model.pump();
    expect(model.only.transport).toBe("poll");
    const before = model.opened.length;
    const times: number[] = [];
    for (let tries = 0; tries < 4; tries++) {
      const since = model.now;
      while (model.sessions.size < 2) {
        model.pass(1_000);
        model.progress();
        while (model.sessions.size < 2 && model.pump());
      }
      times.push(Math.round((model.now - since) / 1_000));
      const probe = [...model.sessions.values()].at(-1)!;
      model.lose(probe.id, { kind: "impassable" });
      expect(model.only.transport).toBe("poll");
    }
    expect(model.opened.slice(before)).toEqual(["socket", "sse", "socket", "sse"]);
    expect(times).toEqual([10, 20, 40, 80]);
  });

  test("loses nothing while a better transport takes over", () => {
    const model = new Model();
    lose(model, { kind: "impassable" });
    wait(model).settle();
    model.publish();
    model.do(model.machine.nudge("attention", model.now));
    model.publish();
    expect(model.sessions.size).toBe(2);
    model.settle();
    model.publish();
    model.settle();
    expect(model.only.transport).toBe("socket");
    expect(model.told.map(({ cursor }) => cursor?.seq)).toEqual([0, 1, 2, 3]);
  });
});

describe("silence", () => {
  test("of 40 s is a dead connection", () => {
    const model = live();
    model.pass(TIMING.silenceMs - 1);
    expect(model.sessions.size).toBe(1);
    model.pass(1);
    expect(model.sessions.size).toBe(0);
  });

  test("of a machine that slept is noticed at the first look", () => {
    const model = live();
    model.pass(600_000);
    expect(wait(model).opened).toEqual(["socket", "socket"]);
  });

  test("before the first byte of a stream means that a proxy keeps it back", () => {
    const model = new Model(["sse", "poll"]);
    model.pass(TIMING.openMs.sse);
    expect(wait(model).only.transport).toBe("poll");
  });
});

describe("the surroundings", () => {
  test("end a pause", () => {
    const model = live();
    for (let tries = 0; tries < 8; tries++) {
      lose(model, { kind: "unmade" });
      if (tries < 7) wait(model);
    }
    expect(model.sessions.size).toBe(0);
    model.do(model.machine.nudge("network", model.now));
    expect(model.sessions.size).toBe(1);
  });

  test("another network is met with another connection, beside the old one", () => {
    const model = live();
    model.do(model.machine.nudge("network", model.now));
    expect(model.sessions.size).toBe(2);
    model.settle();
    expect(model.statuses).toEqual(["connecting socket", "live socket"]);
  });

  test("a page that is looked at again doubts a connection that has been silent", () => {
    const model = live();
    model.pass(31_000);
    model.do(model.machine.nudge("attention", model.now));
    expect(model.sessions.size).toBe(0);
  });
});

describe("tokens", () => {
  test("are refreshed on the connection when the server warns", () => {
    const model = live();
    model.say({ type: "auth.expiring", in_s: 60 });
    model.answerRefresh(true);
    expect(model.said.at(-1)).toEqual({ type: "auth.refresh", token: "newer" });
    expect(model.opened).toEqual(["socket"]);
  });

  test("that live shortly are not asked for without a pause", () => {
    const model = live();
    for (let warnings = 0; warnings < 10; warnings++) {
      model.say({ type: "auth.expiring", in_s: 10 });
      model.answerRefresh(true);
    }
    expect(model.said.filter(({ type }) => type === "auth.refresh")).toHaveLength(1);
    model.pass(TIMING.refreshMs);
    model.answerRefresh(true);
    expect(model.said.filter(({ type }) => type === "auth.refresh")).toHaveLength(2);
  });

  test("that there are none of end the room with what the server said", () => {
    const model = live();
    lose(model, refused(401, "unauthenticated"));
    model.do(model.machine.notRefreshed(model.refreshes[0]!, "never", model.now));
    expect(model.ended?.problem).toMatchObject({ status: 401, code: "unauthenticated" });
  });
});

describe("commands", () => {
  const cancel = (ref: string) => ({ type: "render.cancel", ref, render_id: "rnd_1" }) as const;

  test("wait until somebody is there, and are sent again with their ref when the answer got lost", () => {
    const model = new Model();
    model.do(model.machine.command(cancel("k1"), 0));
    model.pump();
    model.pump();
    lose(model, { kind: "broken" });
    expect([model.done.get("k1"), model.answers]).toEqual([1, []]);
    wait(model).settle();
    expect([model.done.get("k1"), model.answers]).toEqual([2, ["k1"]]);
  });

  test("are sent at most 15 a second", () => {
    const model = live();
    for (let n = 0; n < 40; n++) model.do(model.machine.command(cancel(`k${n}`), model.now));
    const sent = () => model.said.filter(({ type }) => type === "render.cancel").length;
    expect(sent()).toBe(15);
    model.pass(1_000);
    expect(sent()).toBe(30);
    model.pass(1_000);
    expect(sent()).toBe(40);
  });

  test("go over HTTP where there is no socket, or when they are too large for it", () => {
    const polling = live(["poll"]);
    polling.do(polling.machine.command(cancel("k1"), polling.now));
    const large = live();
    const data = { composition_id: "timeline", metadata: { note: "é".repeat(35_000) } };
    large.do(large.machine.command({ type: "render.create", ref: "k2", data }, large.now));
    expect([polling.requested, large.requested]).toEqual([["k1"], ["k2"]]);
    expect([polling.answers, large.answers]).toEqual([["k1"], ["k2"]]);
  });

  test("that nobody waits for are not sent again", () => {
    const model = new Model();
    model.do(model.machine.command(cancel("k1"), 0));
    model.machine.forget("k1");
    model.settle();
    expect(model.done.size).toBe(0);
  });
});

describe("a filter", () => {
  test("is said on the socket, also when it changes while the room is being joined", () => {
    const model = new Model();
    model.pump();
    model.do(model.machine.subscribe({ types: ["state"] }, model.now));
    expect(model.said.map(({ type }) => type)).toEqual(["hello"]);
    model.settle();
    expect(model.said.at(-1)).toEqual({ type: "subscribe", filter: { types: ["state"] } });
  });

  test("opens a stream anew, where it was", () => {
    const model = live(["sse"]);
    model.publish();
    model.settle();
    model.do(model.machine.subscribe({ types: ["state"] }, model.now));
    expect(model.only.since).toEqual({ epoch: "e0", seq: 1 });
  });
});

describe("a slow reader", () => {
  test("stops the room, and goes on where it was", () => {
    const model = live();
    model.do(model.machine.pause());
    model.publish();
    model.pass(600_000);
    expect([model.sessions.size, model.statuses.at(-1)]).toEqual([0, "waiting socket"]);
    model.do(model.machine.resume(model.now));
    model.settle();
    expect(model.told.map(({ cursor }) => cursor?.seq)).toEqual([0, 1]);
  });

  test("does not hold up a command", () => {
    const model = live();
    model.do(model.machine.pause());
    model.do(model.machine.command({ type: "render.cancel", ref: "k1", render_id: "rnd_1" }, model.now));
    model.settle();
    expect(model.answers).toEqual(["k1"]);
  });
});

test("after the end there is nothing to do", () => {
  const model = live();
  model.do(model.machine.stop());
  expect([model.machine.due, model.sessions.size, model.ended?.problem]).toEqual([Infinity, 0, null]);
  expect([...model.machine.tick(1e9), ...model.machine.nudge("network", 1e9), ...model.machine.stop()]).toEqual([]);
});
