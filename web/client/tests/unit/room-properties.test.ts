import fc from "fast-check";
import { expect, test } from "vitest";
import { Model } from "./room-model.js";
import type { Cause } from "../../src/verdict.js";

const cause: fc.Arbitrary<Cause> = fc.oneof(
  fc
    .constantFrom(1000, 1006, 1011, 4401, 1012, 1013, 4408, 4429)
    .map((code) => ({ kind: "closed" as const, code, reason: "" })),
  fc.constantFrom<Cause>({ kind: "broken" }, { kind: "unmade" }, { kind: "impassable" }),
);

/** One thing that happens, to a server and a client that know nothing of each other but what connections carry. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("publish" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("progress" as const) }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant("pump" as const), n: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("lose" as const), n: fc.nat(3), cause }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(10, 200, 6_000, 16_000, 90_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("nudge" as const),
      changed: fc.constantFrom("network" as const, "attention" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("trim" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("replace" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("slow" as const), ms: fc.constantFrom(0, 5_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("command" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("warn" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("token" as const), good: fc.boolean() }) },
);

test("whatever happens, every durable event is told once, in order, and none is missing", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 150, size: "max" }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (steps, drawn) => {
        const model = new Model(["socket", "sse", "poll"], null, () => drawn.next().value as number);
        let commands = 0;
        for (const one of steps) {
          const sessions = [...model.sessions.values()];
          if (one.do === "publish") model.publish();
          if (one.do === "progress") model.progress();
          if (one.do === "pump") model.pump(one.n);
          if (one.do === "lose" && sessions.length > 0) model.lose(sessions[one.n % sessions.length]!.id, one.cause);
          if (one.do === "pass") model.pass(one.ms);
          if (one.do === "nudge") model.do(model.machine.nudge(one.changed, model.now));
          if (one.do === "trim") model.floor = model.top;
          if (one.do === "replace") model.replaceHistory();
          if (one.do === "slow") {
            model.do(model.machine.pause());
            model.now += one.ms;
            model.do(model.machine.resume(model.now));
          }
          if (one.do === "command") {
            const message = { type: "render.cancel", ref: `ref_${commands++}`, render_id: "rnd_1" } as const;
            model.do(model.machine.command(message, model.now));
          }
          if (one.do === "warn") model.warn();
          if (one.do === "token") model.answerRefresh(one.good);
          expect(model.sessions.size).toBeLessThanOrEqual(2);
        }
        model.settle();

        // Two refused tokens in a row end it, and nothing else does.
        if (model.ended !== null) return model.ended.problem?.status === 401;
        let known: { epoch: string; seq: number } | null = null;
        for (const { message, cursor } of model.told) {
          if (message.type === "render.progress") continue;
          expect(cursor).not.toBeNull();
          if (message.type !== "snapshot") expect(cursor).toEqual({ epoch: known?.epoch, seq: known!.seq + 1 });
          known = cursor;
        }
        expect(known).toEqual({ epoch: model.epoch, seq: model.top });
        expect(model.machine.cursor).toEqual(known);

        const refs = Array.from({ length: commands }, (_, index) => `ref_${index}`);
        expect([...model.answers].sort()).toEqual([...refs].sort());
        expect([...model.done.keys()].sort()).toEqual([...refs].sort());
        return true;
      },
    ),
    { numRuns: 400 },
  );
});
