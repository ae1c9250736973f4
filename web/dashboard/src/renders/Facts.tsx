import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { secondsText } from "../time/format.js";
import { Moment } from "../time/Moment.js";
import type { Render } from "../types.js";
import { Panel } from "../ui/Panel.js";
import styles from "./Facts.module.css";

/** What there is to know of a render beside its pictures. */
export function Facts({ render }: { readonly render: Render }) {
  const { started_at: started, completed_at: ended, cache } = render;
  const facts: readonly (readonly [string, ReactNode])[] = [
    ["Priority", render.priority],
    ["Attempt", render.attempt],
    ["Segments", cache.segments === 0 ? "–" : `${cache.segments}, ${cache.reused} from the cache`],
    ["Started", started === null ? "–" : <Moment at={started} />],
    ["Took", started !== null && ended !== null ? secondsText((Date.parse(ended) - Date.parse(started)) / 1000) : "–"],
  ];
  return (
    <Panel title="Facts">
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name} className={styles.fact}>
            <Text component="dt" size="sm" c="dimmed">
              {name}
            </Text>
            <Text component="dd" size="sm" m={0}>
              {value}
            </Text>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
