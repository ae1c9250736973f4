/** What a page hears of its surroundings, and a clock that goes on while the machine sleeps. */

/** Call `nudge` when the network may be another or the page is looked at again; returns how to stop that. */
export function watchSurroundings(nudge: (changed: "network" | "attention") => void): () => void {
  const page = globalThis as Partial<Pick<Window, "addEventListener" | "removeEventListener" | "document">>;
  const network = () => nudge("network");
  const attention = () => {
    if (page.document?.visibilityState !== "hidden") nudge("attention");
  };
  const watched = [
    [page, "online", network],
    [page, "pageshow", attention],
    [page.document, "visibilitychange", attention],
  ] as const;
  for (const [target, type, listener] of watched) target?.addEventListener?.(type, listener);
  return () => {
    for (const [target, type, listener] of watched) target?.removeEventListener?.(type, listener);
  };
}

/**
 * Milliseconds that only grow and that count a laptop's sleep.
 *
 * A monotonic clock stands still while the machine sleeps, the wall clock can be set back: the first is told by the
 * second, the second never goes back.
 */
export function wakefulClock(wall: () => number = Date.now): () => number {
  let last = wall();
  let passed = 0;
  return () => {
    const now = wall();
    passed += Math.max(0, now - last);
    last = now;
    return passed;
  };
}
