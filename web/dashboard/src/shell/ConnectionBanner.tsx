import { Alert } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useOnline } from "./useOnline.js";
import { useRoomState } from "../room/room.js";
import { sentenceOf } from "../ui/fields.js";

/** Shorter breaks, such as a server's restart, are nobody's concern. */
const PATIENCE_MS = 1_000;

/** Says that the page is not up to date, until it is again. */
export function ConnectionBanner() {
  const online = useOnline();
  const room = useRoomState();
  const away = !online || (room !== null && room.problem === null && room.status !== "live");
  const long = useLasting(away, PATIENCE_MS);
  const ended = room?.problem;
  return (
    <div role="status" aria-live="polite">
      {ended != null ? (
        <Alert color="red" radius={0} title="Not heard any more">
          {sentenceOf(ended)}
        </Alert>
      ) : (
        long && (
          <Alert color="yellow" radius={0} icon={<IconPlugConnectedX aria-hidden />} title="Reconnecting…">
            {online ? "The server cannot be reached." : "This device is offline."} What you see may be old; nothing is
            lost, and it goes on where it was.
          </Alert>
        )
      )}
    </div>
  );
}

/** True once `fact` has been true for so long. */
function useLasting(fact: boolean, ms: number): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLasting(fact), fact ? ms : 0);
    return () => clearTimeout(timer);
  }, [fact, ms]);
  return lasting && fact;
}
