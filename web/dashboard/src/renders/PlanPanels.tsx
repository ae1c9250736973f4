import type { Render } from "../types.js";
import { CommandsPanel } from "../plan/CommandsPanel.js";
import { PlanPicture } from "../plan/PlanPicture.js";
import { usePlan, usePlanPicture } from "../plan/usePlan.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Panel } from "../ui/Panel.js";
import { isActive } from "./status.js";

/** What this render's request would do now: its timeline with what is in the cache marked, and its exact commands. */
export function PlanPanels({ render }: { readonly render: Render }) {
  const { composition_id, input_props, output_settings } = render;
  const spec = { composition_id, input_props, output_settings };
  // Looked at again when it has ended: by then more is in the cache.
  const picture = usePlanPicture(render.project_id, spec, isActive(render) ? "active" : "ended");
  const plan = usePlan(render.project_id, spec, isActive(render) ? "active" : "ended");
  return (
    <>
      <Panel title="Timeline" flush>
        {picture.isError ? <FailureAlert failure={picture.error} /> : <PlanPicture svg={picture.data} />}
      </Panel>
      {plan.data !== undefined && <CommandsPanel plan={plan.data} />}
    </>
  );
}
