import { expect, test } from "vitest";
import { waterfallOf } from "../../src/renders/waterfall.js";
import type { StepTimes } from "../../src/types.js";

const second = (s: number) => new Date(Date.UTC(2026, 0, 1) + s * 1000).toISOString();

const step = (ordinal: number, worker: string | null, from: number | null, to: number | null): StepTimes => ({
  id: `stp_${ordinal}`,
  kind: "segment",
  ordinal,
  status: to === null ? "running" : "completed",
  attempt: 1,
  failures: 0,
  lost: 0,
  worker_id: worker,
  created_at: second(0),
  started_at: from === null ? null : second(from),
  finished_at: to === null ? null : second(to),
});

test("what a worker does at once lies below each other, what it does after each other in one line", () => {
  const fall = waterfallOf([step(0, "w1", 1, 3), step(1, "w1", 2, 4), step(2, "w1", 3, 5), step(3, "w2", 1, 2)], 0);
  expect(fall.workers.map(({ worker, lanes }) => [worker, lanes])).toEqual([
    ["w1", 2],
    ["w2", 1],
  ]);
  expect(fall.workers[0]?.bars.map(({ lane }) => lane)).toEqual([0, 1, 0]);
  expect(fall.seconds).toBe(5);
});

test("a step that runs lasts until now, one that waits is counted", () => {
  const fall = waterfallOf([step(0, "w1", 1, null), step(1, null, null, null)], Date.parse(second(9)));
  expect(fall.workers[0]?.bars[0]?.to).toBe(9);
  expect(fall.waiting).toBe(1);
});
