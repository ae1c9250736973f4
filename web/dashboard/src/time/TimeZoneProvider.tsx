import { useMemo, useState, type ReactNode } from "react";
import { LOCAL, ZONES, ZoneContext } from "./zone.js";

const KEPT = "renderowl.time-zone";

export function TimeZoneProvider({ children }: { readonly children: ReactNode }) {
  const [zone, setZone] = useState(() => {
    const kept = localStorage.getItem(KEPT);
    return kept !== null && ZONES.includes(kept) ? kept : LOCAL;
  });
  const value = useMemo(() => {
    const choose = (chosen: string) => {
      localStorage.setItem(KEPT, chosen);
      setZone(chosen);
    };
    return { zone, setZone: choose };
  }, [zone]);
  return <ZoneContext value={value}>{children}</ZoneContext>;
}
