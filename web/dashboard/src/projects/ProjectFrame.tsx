import { Suspense } from "react";
import { Outlet } from "react-router";
import { UploadsProvider } from "../assets/UploadsProvider.js";
import { RoomProvider } from "../room/RoomProvider.js";
import { ConnectionBanner } from "../shell/ConnectionBanner.js";
import { Waiting } from "../ui/Waiting.js";
import { useProjectId } from "./useProjectId.js";

/** Around the pages of a project: its room is heard while one of them is open. */
export function ProjectFrame() {
  const projectId = useProjectId();
  return (
    <RoomProvider key={projectId} projectId={projectId}>
      <ConnectionBanner />
      <UploadsProvider projectId={projectId}>
        <Suspense fallback={<Waiting />}>
          <Outlet />
        </Suspense>
      </UploadsProvider>
    </RoomProvider>
  );
}
