/** Uploads of a project: they go on while one looks at its other pages. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useClient } from "../client.js";
import { contentTypeOf } from "./contentType.js";
import { UploadsContext, type Sending, type Uploads } from "./uploads.js";

export function UploadsProvider({ projectId, children }: { readonly projectId: string; readonly children: ReactNode }) {
  const client = useClient();
  const queries = useQueryClient();
  const [sendings, setSendings] = useState<readonly Sending[]>([]);
  const aborts = useRef(new Map<string, AbortController>());

  const uploads = useMemo((): Omit<Uploads, "sendings"> => {
    const change = (id: string, facts: Partial<Sending>) =>
      setSendings((before) => before.map((one) => (one.id === id ? { ...one, ...facts } : one)));
    const refresh = () =>
      Promise.all(
        [
          ["assets", projectId],
          ["project", projectId],
        ].map((queryKey) => queries.invalidateQueries({ queryKey })),
      );

    const run = async (sending: Sending) => {
      const { id, file } = sending;
      const abort = new AbortController();
      aborts.current.set(id, abort);
      const options = { signal: abort.signal, onProgress: (sentBytes: number) => change(id, { sentBytes }) };
      change(id, { state: "sending", failure: null });
      try {
        if (sending.assetId !== null) await client.resumeUpload(projectId, sending.assetId, file, options);
        else {
          const onAnnounced = ({ id: assetId }: { readonly id: string }) => {
            change(id, { assetId });
            void refresh();
          };
          await client.upload(projectId, file, { ...options, contentType: contentTypeOf(file), onAnnounced });
        }
        change(id, { state: "sent", sentBytes: file.size });
      } catch (failure) {
        if (!abort.signal.aborted) change(id, { state: "broken", failure });
      } finally {
        aborts.current.delete(id);
        await refresh();
      }
    };
    const begin = (file: File, assetId: string | null) => {
      const id = crypto.getRandomValues(new Uint32Array(2)).join("-");
      const sending: Sending = { id, file, sentBytes: 0, state: "sending", failure: null, assetId };
      setSendings((before) => [...before.filter((one) => one.state !== "sent"), sending]);
      void run(sending);
    };
    return {
      send: (files) => files.forEach((file) => begin(file, null)),
      goOn: (assetId, file) => begin(file, assetId),
      retry: (sending) => void run(sending),
      stop: (id) => {
        aborts.current.get(id)?.abort();
        setSendings((before) => before.filter((one) => one.id !== id));
      },
    };
  }, [client, queries, projectId]);

  // What broke off because there was no network goes on by itself once there is one.
  useEffect(() => {
    const back = () => sendings.filter(({ state }) => state === "broken").forEach(uploads.retry);
    addEventListener("online", back);
    return () => removeEventListener("online", back);
  }, [sendings, uploads]);

  const value = useMemo(() => ({ sendings, ...uploads }), [sendings, uploads]);
  return <UploadsContext value={value}>{children}</UploadsContext>;
}
