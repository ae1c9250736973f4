import { useEffect, useState } from "react";
import { agoText, momentText } from "./format.js";
import { useZone } from "./zone.js";

interface Props {
  readonly at: string;
  /** Told as "3 minutes ago" and kept so; else by date. */
  readonly relative?: boolean;
}

/** A moment in the chosen time zone, exact where one points at it. */
export function Moment({ at, relative = false }: Props) {
  const { zone } = useZone();
  const now = useNow(relative);
  return (
    <time dateTime={at} title={momentText(at, zone, true)}>
      {relative ? agoText(at, now) : momentText(at, zone)}
    </time>
  );
}

const TICK_MS = 10_000;

function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}
