import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useClient } from "../client.js";
import { at, renderKey } from "../queries.js";
import type { Render } from "../types.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Panel } from "../ui/Panel.js";
import styles from "./LogPanel.module.css";
import { isActive } from "./status.js";

const TAIL_BYTES = 32_768;
const LOOK_MS = 8_000;

/** The end of what the encoders said; it follows what they say. */
export function LogPanel({ render }: { readonly render: Render }) {
  const client = useClient();
  const box = useRef<HTMLPreElement>(null);
  const { data, error } = useQuery({
    queryKey: [...renderKey(render.project_id, render.id), "log"],
    queryFn: ({ signal }) =>
      client.text("GET", at(render.project_id, "renders", render.id, "log"), {
        signal,
        query: [["tail_bytes", String(TAIL_BYTES)]],
      }),
    refetchInterval: isActive(render) ? LOOK_MS : false,
  });
  useEffect(() => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [data]);
  return (
    <Panel title="Log">
      <FailureAlert failure={error} />
      {data === "" && (
        <Text size="sm" c="dimmed">
          The encoders have not said anything{isActive(render) ? " yet" : ""}.
        </Text>
      )}
      {data !== undefined && data !== "" && (
        <pre ref={box} className={styles.log} tabIndex={0} aria-label="The encoders' log">
          {data}
        </pre>
      )}
    </Panel>
  );
}
