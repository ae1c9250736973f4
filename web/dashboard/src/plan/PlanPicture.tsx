import { useMemo } from "react";
import { Waiting } from "../ui/Waiting.js";
import styles from "./PlanPicture.module.css";

/** The server's picture of a plan: as an image, in which nothing runs. It is light or dark as the page is. */
export function PlanPicture({ svg }: { readonly svg: string | undefined }) {
  const url = useMemo(() => (svg === undefined ? null : `data:image/svg+xml,${encodeURIComponent(svg)}`), [svg]);
  if (url === null) return <Waiting />;
  return (
    <div className={styles.frame} role="group" aria-label="Picture of the timeline" tabIndex={0}>
      <img
        src={url}
        alt="What is seen and heard when; hatched segments come from the cache"
        className={styles.picture}
      />
    </div>
  );
}
