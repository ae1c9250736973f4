import { createContext, useContext } from "react";
import type { Remembered } from "./memory.js";

export interface Session {
  /** Who is signed in, as far as this page knows: the server decides. */
  readonly who: Remembered | null;
  readonly signIn: (who: Remembered) => void;
  readonly signOut: () => void;
}

export const SessionContext = createContext<Session>({
  who: null,
  signIn: () => undefined,
  signOut: () => undefined,
});
export const useSession = () => useContext(SessionContext);
