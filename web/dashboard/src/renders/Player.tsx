import type Hls from "hls.js";
import { useEffect, useRef } from "react";

interface Props {
  readonly url: string;
  readonly contentType: string;
  readonly label: string;
  /** Still being made: it begins at its start, without a sound. */
  readonly live: boolean;
}

/** Plays a film; playlists by hls.js where the browser cannot, loaded when there is one to play. */
export function Player({ url, contentType, label, live }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    if (!contentType.includes("mpegurl")) {
      element.src = url;
      return;
    }
    let player: Hls | null = null;
    let left = false;
    void import("hls.js").then(({ default: Hls }) => {
      if (left) return;
      if (!Hls.isSupported()) {
        element.src = url; // Safari's own
        return;
      }
      // A worker would be a script from a blob, which the page's policy forbids.
      player = new Hls({ enableWorker: false, startPosition: 0 });
      player.loadSource(url);
      player.attachMedia(element);
    });
    return () => {
      left = true;
      player?.destroy();
    };
  }, [url, contentType]);
  return <video ref={video} controls muted={live} autoPlay={live} playsInline preload="metadata" aria-label={label} />;
}
