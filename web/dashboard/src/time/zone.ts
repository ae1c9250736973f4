import { createContext, useContext } from "react";

export const LOCAL = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const ZONES: readonly string[] = [...new Set([LOCAL, "UTC", ...Intl.supportedValuesOf("timeZone")])];

export interface ZoneChoice {
  readonly zone: string;
  readonly setZone: (zone: string) => void;
}

export const ZoneContext = createContext<ZoneChoice>({ zone: LOCAL, setZone: () => undefined });
/** The time zone in which moments are told. */
export const useZone = () => useContext(ZoneContext);
