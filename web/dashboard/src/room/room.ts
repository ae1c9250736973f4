import type { Problem, Status, Transport } from "@renderowl/client";
import { createContext, useContext } from "react";

/** How the connection to the room is; `problem` is why it ended for good. */
export interface RoomState {
  readonly status: Status;
  readonly transport: Transport;
  readonly problem: Problem | null;
}

export const RoomContext = createContext<RoomState | null>(null);
/** Null where no project is open. */
export const useRoomState = () => useContext(RoomContext);
