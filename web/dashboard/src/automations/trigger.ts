/** What makes an automation run, in words and as a form has it. */

import type { Automation } from "../types.js";

export type Trigger = Automation["trigger"];
export type TriggerType = Trigger["type"];

export const TRIGGERS: Readonly<Record<TriggerType, string>> = {
  schedule: "a schedule",
  webhook: "a signed request",
  asset_upload: "an uploaded asset",
  render_finished: "a render that ended",
  manual: "nothing but a person",
};
export const ASSET_TYPES = ["video", "audio", "image", "subtitle", "font"] as const;
export const ENDS = ["completed", "failed", "cancelled"] as const;

export function triggerText(trigger: Trigger): string {
  switch (trigger.type) {
    case "schedule":
      return `by ${trigger.cron}, ${trigger.timezone}`;
    case "asset_upload":
      return `by an uploaded ${(trigger.asset_types ?? []).join(" or ") || "asset"}`;
    case "render_finished":
      return `by a render that is ${(trigger.statuses ?? ["completed"]).join(" or ")}`;
    case "webhook":
    case "manual":
      return `by ${TRIGGERS[trigger.type]}`;
  }
}

/** What a form says of it, as the server takes it. */
export function triggerOf(
  type: TriggerType,
  said: { cron: string; timezone: string; among: readonly string[] },
): object {
  if (type === "schedule") return { type, cron: said.cron, timezone: said.timezone };
  if (type === "asset_upload") return { type, asset_types: said.among };
  if (type === "render_finished") return { type, statuses: said.among };
  return { type };
}
