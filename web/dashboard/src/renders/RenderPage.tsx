import { Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { useClient } from "../client.js";
import { useProjectId } from "../projects/useProjectId.js";
import { renderOptions } from "../queries.js";
import { Moment } from "../time/Moment.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Page } from "../ui/Page.js";
import { Panel } from "../ui/Panel.js";
import { Waiting } from "../ui/Waiting.js";
import { Facts } from "./Facts.js";
import { LogPanel } from "./LogPanel.js";
import { OutputsPanel } from "./OutputsPanel.js";
import { PlanPanels } from "./PlanPanels.js";
import { ProgressLine } from "./ProgressLine.js";
import { RenderFailure } from "./RenderFailure.js";
import { RenderActions } from "./RenderActions.js";
import styles from "./RenderPage.module.css";
import { Screen } from "./Screen.js";
import { StatusBadge } from "./StatusBadge.js";
import { StepsPanel } from "./StepsPanel.js";

export function RenderPage() {
  const client = useClient();
  const projectId = useProjectId();
  const { renderId = "" } = useParams();
  const query = useQuery(renderOptions(client, projectId, renderId));
  const render = query.data;
  if (render === undefined) {
    return (
      <Page title="Render">
        {query.isError ? <FailureAlert failure={query.error} onRetry={() => void query.refetch()} /> : <Waiting />}
      </Page>
    );
  }
  return (
    <Page
      title={render.composition_id.replace("_", " ")}
      mark={<StatusBadge status={render.status} />}
      text={
        <>
          {render.id} · <Moment at={render.created_at} />
        </>
      }
      actions={<RenderActions render={render} />}
    >
      <Stack>
        <div className={styles.top}>
          <Screen render={render} />
          <Stack>
            <Panel title="Progress">
              <ProgressLine render={render} detailed />
              {render.error !== null && <RenderFailure error={render.error} />}
            </Panel>
            <OutputsPanel render={render} />
            <Facts render={render} />
          </Stack>
        </div>
        <StepsPanel render={render} />
        <PlanPanels render={render} />
        <LogPanel render={render} />
      </Stack>
    </Page>
  );
}
