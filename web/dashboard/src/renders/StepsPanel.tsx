import { Group, Text, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useClient } from "../client.js";
import { stepsOptions } from "../queries.js";
import { secondsText } from "../time/format.js";
import type { Render } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Panel } from "../ui/Panel.js";
import { isActive } from "./status.js";
import styles from "./StepsPanel.module.css";
import { waterfallOf, type Bar } from "./waterfall.js";

const LOOK_MS = 4_000;
const KINDS = ["prepare", "segment", "audio", "assemble"] as const;

/** Which worker did which step when. */
export function StepsPanel({ render }: { readonly render: Render }) {
  const client = useClient();
  const { data, error, dataUpdatedAt } = useQuery({
    ...stepsOptions(client, render.project_id, render.id),
    refetchInterval: isActive(render) ? LOOK_MS : false,
  });
  const fall = data === undefined || data.items.length === 0 ? null : waterfallOf(data.items, dataUpdatedAt);
  return (
    <Panel
      title="Steps"
      actions={
        <Group gap="md">
          {KINDS.map((kind) => (
            <Text key={kind} size="xs" c="dimmed" className={styles.key} data-kind={kind}>
              {kind}
            </Text>
          ))}
        </Group>
      }
    >
      <FailureAlert failure={error} />
      {fall !== null && (
        <div className={styles.fall}>
          {fall.workers.map(({ worker, lanes, bars }) => (
            <section key={worker} className={styles.worker} aria-label={`Worker ${worker}`}>
              <Text size="xs" c="dimmed" truncate title={worker}>
                {shortName(worker)}
              </Text>
              <ol className={styles.lanes} style={{ height: `${lanes * 1.4}rem` }}>
                {bars.map((bar) => (
                  <Step key={bar.step.id} bar={bar} seconds={fall.seconds} />
                ))}
              </ol>
            </section>
          ))}
          <Group justify="space-between" className={styles.axis}>
            <Text size="xs" c="dimmed">
              0 s
            </Text>
            {fall.waiting > 0 && isActive(render) && (
              <Text size="xs" c="dimmed">
                {fall.waiting} {fall.waiting === 1 ? "step waits" : "steps wait"}
              </Text>
            )}
            <Text size="xs" c="dimmed">
              {secondsText(fall.seconds)}
            </Text>
          </Group>
        </div>
      )}
    </Panel>
  );
}

function Step({ bar: { step, from, to, lane }, seconds }: { readonly bar: Bar; readonly seconds: number }) {
  const name = step.kind === "segment" ? `segment ${step.ordinal}` : step.kind;
  const tries = step.attempt > 1 ? `, try ${step.attempt}` : "";
  const text = `${name}: ${step.status}, ${secondsText(to - from)}${tries}`;
  const place = {
    left: `${(from / seconds) * 100}%`,
    width: `max(3px, ${((to - from) / seconds) * 100}%)`,
    top: `${lane * 1.4}rem`,
  };
  return (
    <Tooltip label={text}>
      <li className={styles.bar} style={place} data-kind={step.kind} data-status={step.status}>
        <span className={styles.name}>{text}</span>
      </li>
    </Tooltip>
  );
}

/** The end of an id is what tells workers apart. */
const shortName = (worker: string) => (worker.length > 14 ? `…${worker.slice(-10)}` : worker);
