import type { KeyUsage } from "../types.js";

export interface Day {
  readonly day: string;
  readonly requests: number;
  readonly errors: number;
}

/** The last so many days until `today`, also those on which nothing was asked. Days are UTC's. */
export function daysOf(usage: KeyUsage, count: number, today: Date): readonly Day[] {
  const known = new Map(usage.days.map((day) => [day.day, day]));
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(today.getTime() - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return { day, requests: known.get(day)?.requests ?? 0, errors: known.get(day)?.errors ?? 0 };
  });
}

/** How often each route was asked, the most asked first. */
export function routesOf(usage: KeyUsage): readonly { route: string; requests: number; errors: number }[] {
  const routes = new Map<string, { route: string; requests: number; errors: number }>();
  for (const { route, requests, errors } of usage.days.flatMap((day) => day.routes)) {
    const before = routes.get(route) ?? { route, requests: 0, errors: 0 };
    routes.set(route, { route, requests: before.requests + requests, errors: before.errors + errors });
  }
  return [...routes.values()].sort((one, other) => other.requests - one.requests);
}
