import { Button } from "@mantine/core";
import { useState } from "react";
import { CommandsPanel } from "../plan/CommandsPanel.js";
import { PlanPicture } from "../plan/PlanPicture.js";
import { usePlan, usePlanPicture } from "../plan/usePlan.js";
import type { Render } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Panel } from "../ui/Panel.js";
import { isActive } from "./status.js";

/** What this render's request would do now: its timeline with what is in the cache marked, and its exact commands. */
export function PlanPanels({ render }: { readonly render: Render }) {
  const [asked, setAsked] = useState(false);
  const { composition_id, input_props, output_settings } = render;
  const spec = { composition_id, input_props, output_settings };
  // Looked at again when it has ended: by then more is in the cache.
  const when = isActive(render) ? "active" : "ended";
  const picture = usePlanPicture(render.project_id, spec, when);
  const plan = usePlan(render.project_id, asked ? spec : null, when);
  const show = (
    <Button size="compact-sm" variant="default" loading={asked && plan.isPending} onClick={() => setAsked(true)}>
      Show the commands
    </Button>
  );
  return (
    <>
      <Panel title="Timeline" actions={plan.data === undefined && show} flush>
        {picture.isError ? <FailureAlert failure={picture.error} /> : <PlanPicture svg={picture.data} />}
      </Panel>
      <FailureAlert failure={plan.error} />
      {plan.data !== undefined && <CommandsPanel plan={plan.data} />}
    </>
  );
}
