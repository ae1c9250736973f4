import { useSyncExternalStore } from "react";

function subscribe(changed: () => void): () => void {
  addEventListener("online", changed);
  addEventListener("offline", changed);
  return () => {
    removeEventListener("online", changed);
    removeEventListener("offline", changed);
  };
}

/** False while the browser knows that there is no network. */
export const useOnline = () => useSyncExternalStore(subscribe, () => navigator.onLine);
