import { createContext, useContext } from "react";

/** A file on its way to the server, or one that broke off there. */
export interface Sending {
  readonly id: string;
  readonly file: File;
  readonly sentBytes: number;
  readonly state: "sending" | "broken" | "sent";
  readonly failure: unknown;
  /** The asset it becomes, once that is announced: with it an upload goes on. */
  readonly assetId: string | null;
}

export interface Uploads {
  readonly sendings: readonly Sending[];
  readonly send: (files: readonly File[]) => void;
  /** Go on with one that broke off; `file` is the same file, chosen again after the page was closed. */
  readonly goOn: (assetId: string, file: File) => void;
  readonly retry: (sending: Sending) => void;
  readonly stop: (id: string) => void;
}

const nothing = () => undefined;
export const UploadsContext = createContext<Uploads>({
  sendings: [],
  send: nothing,
  goOn: nothing,
  retry: nothing,
  stop: nothing,
});
export const useUploads = () => useContext(UploadsContext);
