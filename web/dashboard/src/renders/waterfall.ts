/** The steps of an attempt as bars over time: by worker, and where one did several at once, below each other. */

import type { StepTimes } from "../types.js";

export interface Bar {
  readonly step: StepTimes;
  /** Seconds after the first step began to wait. */
  readonly from: number;
  readonly to: number;
  readonly lane: number;
}

export interface WorkerBars {
  readonly worker: string;
  readonly lanes: number;
  readonly bars: readonly Bar[];
}

export interface Waterfall {
  readonly seconds: number;
  readonly workers: readonly WorkerBars[];
  /** Steps that no worker has begun. */
  readonly waiting: number;
}

export function waterfallOf(steps: readonly StepTimes[], now: number): Waterfall {
  const begun = steps.filter((step) => step.started_at !== null);
  const start = Math.min(...steps.map((step) => Date.parse(step.created_at)));
  const spans = begun.map((step) => ({
    step,
    from: (Date.parse(step.started_at ?? "") - start) / 1000,
    to: ((step.finished_at === null ? now : Date.parse(step.finished_at)) - start) / 1000,
  }));
  const workers = new Map<string, typeof spans>();
  for (const span of spans) {
    const worker = span.step.worker_id ?? "nobody any more";
    workers.set(worker, [...(workers.get(worker) ?? []), span]);
  }
  return {
    seconds: Math.max(0.1, ...spans.map(({ to }) => to)),
    workers: [...workers].map(([worker, spans]) => ({ worker, ...stacked(spans) })),
    waiting: steps.filter(({ status, started_at: at }) => at === null && status !== "cancelled").length,
  };
}

/** Each bar in the first lane that is free when it begins. */
function stacked(spans: readonly Omit<Bar, "lane">[]): Pick<WorkerBars, "lanes" | "bars"> {
  const free: number[] = [];
  const bars = [...spans]
    .sort((one, other) => one.from - other.from)
    .map((span) => {
      const found = free.findIndex((until) => until <= span.from);
      const lane = found === -1 ? free.length : found;
      free[lane] = span.to;
      return { ...span, lane };
    });
  return { lanes: free.length, bars };
}
