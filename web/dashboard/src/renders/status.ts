import type { Render } from "../types.js";

export const COLORS: Readonly<Record<Render["status"], string>> = {
  queued: "gray",
  processing: "blue",
  completed: "green",
  failed: "red",
  cancelled: "yellow",
};

export const isActive = ({ status }: Pick<Render, "status">) => status === "queued" || status === "processing";

/** "45 %": a film at 99.9 is not done. */
export const percentText = (percent: number) => `${Math.floor(percent)} %`;
