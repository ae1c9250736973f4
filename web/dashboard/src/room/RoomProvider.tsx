/** A project's room, heard for as long as one of its pages is open. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { useClient } from "../client.js";
import { hear } from "./hear.js";
import { RoomContext, type RoomState } from "./room.js";

export function RoomProvider({ projectId, children }: { readonly projectId: string; readonly children: ReactNode }) {
  const client = useClient();
  const queries = useQueryClient();
  const [state, setState] = useState<RoomState>({ status: "connecting", transport: "socket", problem: null });

  useEffect(() => {
    const room = client.room(projectId, { filter: { types: ["state", "progress", "preview"], max_hz: 5 } });
    const leave = [
      room.on("status", ({ status, transport }) => setState({ status, transport, problem: null })),
      room.on("closed", (problem) => problem !== null && setState((before) => ({ ...before, problem }))),
      room.on("message", (message) => hear(queries, projectId, message)),
    ];
    return () => {
      for (const off of leave) off();
      room.close();
    };
  }, [client, queries, projectId]);

  return <RoomContext value={state}>{children}</RoomContext>;
}
