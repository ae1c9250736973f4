import { Paper, Text } from "@mantine/core";
import { Link } from "react-router";
import { Moment } from "../time/Moment.js";
import type { Render } from "../types.js";
import { ProgressLine } from "./ProgressLine.js";
import { StatusBadge } from "./StatusBadge.js";
import styles from "./RenderTable.module.css";
import { isActive } from "./status.js";
import { usePreview } from "./usePreview.js";

/** Renders below each other: on a phone each is a card. */
export const RenderTable = ({ renders }: { readonly renders: readonly Render[] }) => (
  <Paper withBorder bg="var(--surface)" component="ul" className={styles.list} aria-label="Renders">
    {renders.map((render) => (
      <Row key={render.id} render={render} />
    ))}
  </Paper>
);

function Row({ render }: { readonly render: Render }) {
  const preview = usePreview(render.id);
  const film = render.output?.outputs[0];
  return (
    <li className={styles.row} data-render={render.id}>
      <div className={styles.picture}>{preview !== null && <img src={preview.url} alt="" />}</div>
      <div className={styles.what}>
        <Link to={render.id} className={styles.link}>
          {film?.name ?? nameOf(render)}
        </Link>
        <Text size="xs" c="dimmed" truncate>
          {render.composition_id} · {render.id}
        </Text>
      </div>
      <div className={styles.state}>
        {isActive(render) ? (
          <ProgressLine render={render} />
        ) : (
          <>
            <StatusBadge status={render.status} />
            {render.error !== null && (
              <Text size="xs" c="dimmed" lineClamp={1} mt={2}>
                {render.error.message}
              </Text>
            )}
          </>
        )}
      </div>
      <Text size="sm" c="dimmed" className={styles.when} component="div">
        <Moment at={render.created_at} relative />
      </Text>
    </li>
  );
}

function nameOf({ output_settings: settings, composition_id: id }: Render): string {
  return typeof settings["output_name"] === "string" ? settings["output_name"] : id.replace("_", " ");
}
