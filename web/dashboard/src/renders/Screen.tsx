import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useClient } from "../client.js";
import { at, renderKey } from "../queries.js";
import { secondsText } from "../time/format.js";
import type { OutputFile, Render } from "../types.js";
import { Player } from "./Player.js";
import styles from "./Screen.module.css";
import { isActive } from "./status.js";
import { usePreview } from "./usePreview.js";

/** The film as far as there is one: done, in the making, or the newest picture of it. */
export function Screen({ render }: { readonly render: Render }) {
  const client = useClient();
  const preview = usePreview(render.id);
  const film = render.status === "completed" ? render.output?.outputs.find(isShown) : undefined;
  const making = isActive(render) && render.playable;
  const path = at(render.project_id, "renders", render.id, film === undefined ? "playlist" : "output");
  const signed = useQuery({
    queryKey: [...renderKey(render.project_id, render.id), "film", render.attempt, film?.name ?? "making"],
    queryFn: ({ signal }) =>
      client.call<{ url: string; content_type: string }>("GET", path, {
        signal,
        query: film === undefined ? [] : [["name", film.name]],
      }),
    enabled: film !== undefined || making,
    staleTime: Infinity,
  });
  const label = `The film of ${render.id}`;
  if (signed.data !== undefined && (film !== undefined || making)) {
    const { url, content_type: type } = signed.data;
    return (
      <figure className={styles.screen}>
        {type.startsWith("image/") ? (
          <img src={url} alt={label} />
        ) : (
          <Player url={url} contentType={type} label={label} live={film === undefined} />
        )}
        {film === undefined && <figcaption className={styles.live}>Playing while it renders</figcaption>}
      </figure>
    );
  }
  return (
    <figure className={styles.screen}>
      {preview === null ? (
        <Text c="#c8d0de" size="sm">
          {isActive(render) ? "Pictures come with the first frames" : "There is no film"}
        </Text>
      ) : (
        <>
          <img src={preview.url} alt={`Newest frame, ${secondsText(preview.timeS)} into the film`} data-preview />
          {isActive(render) && <figcaption className={styles.live}>Frame at {secondsText(preview.timeS)}</figcaption>}
        </>
      )}
    </figure>
  );
}

const isShown = ({ content_type: type }: OutputFile) => /^(video|image|audio)\/|mpegurl/.test(type);
