/** Sending files: in one request or in parts, as the server says, with progress. */

import { pause, type Http } from "./http.js";
import { Problem, problemOf } from "./problem.js";
import type { Asset, Upload } from "./types.js";

export interface SendOptions {
  readonly onProgress?: ((sentBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface UploadOptions extends SendOptions {
  /** A `File` has a name and a type of its own. */
  readonly name?: string | undefined;
  readonly contentType?: string | undefined;
  /** Called before the first byte is sent: with this asset's id the upload can go on later, see `resumeUpload`. */
  readonly onAnnounced?: ((asset: Asset) => void) | undefined;
}

type Instructions = Upload["upload"];

const PARTS_AT_ONCE = 4;
const TRIES = 4;
const FIRST_PAUSE_MS = 500;

/** Send a file and confirm it. The server looks into it next. */
export async function upload(http: Http, projectId: string, file: Blob, options: UploadOptions): Promise<Asset> {
  const body = {
    name: options.name ?? ("name" in file && typeof file.name === "string" ? file.name : "upload"),
    content_type: options.contentType ?? (file.type || "application/octet-stream"),
    size_bytes: file.size,
  };
  const { signal } = options;
  const announced = await http.call<Upload>("POST", `${assetsOf(projectId)}/upload`, { body, signal });
  options.onAnnounced?.(announced.asset);
  return sendRest(http, projectId, file, announced, options);
}

/** Send what has not arrived of an upload that broke off, and confirm it. */
export async function resumeUpload(
  http: Http,
  projectId: string,
  assetId: string,
  file: Blob,
  options: SendOptions,
): Promise<Asset> {
  const path = `${assetsOf(projectId)}/${encodeURIComponent(assetId)}/upload`;
  const left = await http.call<Upload>("GET", path, { signal: options.signal });
  const { name, size_bytes } = left.asset;
  if (size_bytes !== file.size)
    throw new TypeError(`this is another file: ${name} has ${size_bytes} bytes, not ${file.size}`);
  return sendRest(http, projectId, file, left, options);
}

async function sendRest(
  http: Http,
  projectId: string,
  file: Blob,
  { asset, upload: first }: Upload,
  { onProgress, signal }: SendOptions,
): Promise<Asset> {
  const path = `${assetsOf(projectId)}/${encodeURIComponent(asset.id)}`;
  const arrived = arrivedBytes(file, first);
  if (arrived > 0) onProgress?.(arrived, file.size);
  const report = progressOf(file.size, arrived, onProgress);
  for (let how = first, left = Infinity; ;) {
    try {
      if (how.parts == null) await send(http, how.url ?? "", file, how.headers ?? {}, report(0), signal);
      else await sendParts(http, file, how, report, signal);
      break;
    } catch (error) {
      // A large file takes longer than its URLs are good for: as long as parts arrive, new ones are asked for.
      const missing = how.parts?.length ?? 0;
      if (!(error instanceof Problem && error.status === 403) || missing === 0 || missing >= left) throw error;
      left = missing;
      how = (await http.call<Upload>("GET", `${path}/upload`, { signal })).upload;
    }
  }
  return http.call<Asset>("POST", `${path}/upload-complete`, { body: {}, signal });
}

function assetsOf(projectId: string): string {
  return `/projects/${encodeURIComponent(projectId)}/assets`;
}

type Report = (part: number) => (sentBytes: number) => void;

/** Add up what the parts have sent to what has arrived before. */
function progressOf(totalBytes: number, arrived: number, tell: SendOptions["onProgress"]): Report {
  const sent = new Map<number, number>();
  return (part) => (sentBytes) => {
    sent.set(part, sentBytes);
    tell?.(
      [...sent.values()].reduce((sum, bytes) => sum + bytes, arrived),
      totalBytes,
    );
  };
}

function arrivedBytes(file: Blob, { parts, part_size_bytes }: Instructions): number {
  if (parts == null) return 0;
  return parts.reduce((left, part) => left - chunkOf(file, part.part_number, part_size_bytes).size, file.size);
}

function chunkOf(file: Blob, partNumber: number, partBytes: number | null | undefined): Blob {
  const size = partBytes ?? file.size;
  return file.slice((partNumber - 1) * size, Math.min(file.size, partNumber * size));
}

async function sendParts(
  http: Http,
  file: Blob,
  { parts, part_size_bytes }: Instructions,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = new AbortController(); // the first part that fails ends the others
  const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const left = [...(parts ?? [])];
  const work = async () => {
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      const chunk = chunkOf(file, part.part_number, part_size_bytes);
      await send(http, part.url, chunk, {}, report(part.part_number), either);
    }
  };
  try {
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, work));
  } catch (error) {
    stop.abort();
    throw error;
  }
}

/** PUT bytes to a signed URL, again while the storage is away. No credential goes there. */
async function send(
  http: Http,
  url: string,
  bytes: Blob,
  headers: Record<string, string>,
  report: (sentBytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  // The browser counts the bytes itself and wants no say in it.
  const told = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "content-length"));
  const put = typeof XMLHttpRequest === "undefined" ? putByFetch : putByXhr;
  for (let tries = 1; ; tries++) {
    try {
      await put(http, url, bytes, told, report, signal);
      return report(bytes.size);
    } catch (error) {
      const refused = error instanceof Problem && error.status < 500 && error.status !== 429;
      if (refused || tries >= TRIES || signal?.aborted) throw error;
    }
    report(0);
    await pause(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2), signal);
  }
}

type Put = (
  http: Http,
  url: string,
  bytes: Blob,
  headers: Record<string, string>,
  report: (sentBytes: number) => void,
  signal: AbortSignal | undefined,
) => Promise<void>;

const putByFetch: Put = async (http, url, bytes, headers, report, signal) => {
  let sent = 0;
  const counted = bytes.stream().pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sent += chunk.length;
        controller.enqueue(chunk);
        report(sent);
      },
    }),
  );
  const init: RequestInit & { duplex: "half" } = {
    method: "PUT",
    headers: { ...headers, "content-length": String(bytes.size) },
    body: bytes.size === 0 ? bytes : counted,
    duplex: "half",
    signal: signal ?? null,
  };
  const { fetch } = http;
  const response = await fetch(url, init);
  if (!response.ok) throw await problemOf(response);
  await response.body?.cancel();
};

/** A browser's fetch does not tell how much it has sent. */
const putByXhr: Put = (_, url, bytes, headers, report, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const settle = (finish: () => void) => () => {
      signal?.removeEventListener("abort", abort);
      finish();
    };
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => report(event.loaded);
    request.onload = settle(() => {
      if (request.status >= 200 && request.status < 300) return resolve();
      problemOf(new Response(request.responseText || null, { status: request.status })).then(reject, reject);
    });
    request.onerror = settle(() => reject(new TypeError("the upload was broken off")));
    request.onabort = settle(() => reject(signal?.reason as Error));
    if (signal?.aborted) return reject(signal.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
    request.send(bytes);
  });
