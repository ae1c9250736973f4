/** Sending files: in one request or in parts, as the server says, with progress. */

import { pause, type Http } from "./http.js";
import { Problem, problemOf } from "./problem.js";
import type { Asset, Upload } from "./types.js";

export interface UploadOptions {
  /** A `File` has a name and a type of its own. */
  readonly name?: string | undefined;
  readonly contentType?: string | undefined;
  readonly onProgress?: ((sentBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const PARTS_AT_ONCE = 4;
const TRIES = 4;
const FIRST_PAUSE_MS = 500;

/** Send a file and confirm it. The server looks into it next. */
export async function upload(http: Http, projectId: string, file: Blob, options: UploadOptions): Promise<Asset> {
  const assets = `/projects/${encodeURIComponent(projectId)}/assets`;
  const { signal } = options;
  const body = {
    name: options.name ?? ("name" in file && typeof file.name === "string" ? file.name : "upload"),
    content_type: options.contentType ?? (file.type || "application/octet-stream"),
    size_bytes: file.size,
  };
  const { asset, upload: how } = await http.call<Upload>("POST", `${assets}/upload`, { body, signal });
  const report = progressOf(file.size, options.onProgress);
  const done: { parts?: Sent[] } = {};
  if (how.parts != null)
    done.parts = await sendParts(http, file, how.parts, how.part_size_bytes ?? file.size, report, signal);
  else await send(http, how.url ?? "", file, how.headers ?? {}, report(0), signal);
  const path = `${assets}/${encodeURIComponent(asset.id)}/upload-complete`;
  return http.call<Asset>("POST", path, { body: done, signal });
}

interface Sent {
  readonly part_number: number;
  readonly etag: string;
}
type Report = (part: number) => (sentBytes: number) => void;

/** Add up what the parts have sent. */
function progressOf(totalBytes: number, tell: UploadOptions["onProgress"]): Report {
  const sent = new Map<number, number>();
  return (part) => (sentBytes) => {
    sent.set(part, sentBytes);
    tell?.(
      [...sent.values()].reduce((sum, bytes) => sum + bytes, 0),
      totalBytes,
    );
  };
}

async function sendParts(
  http: Http,
  file: Blob,
  parts: readonly { part_number: number; url: string }[],
  partBytes: number,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<Sent[]> {
  const stop = new AbortController(); // the first part that fails ends the others
  const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const left = [...parts];
  const sent: Sent[] = [];
  const work = async () => {
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      const from = (part.part_number - 1) * partBytes;
      const chunk = file.slice(from, Math.min(file.size, from + partBytes));
      const etag = await send(http, part.url, chunk, {}, report(part.part_number), either);
      if (etag === null)
        throw new TypeError("the storage does not let the page read the header ETag: see docs/storage.md");
      sent.push({ part_number: part.part_number, etag });
    }
  };
  try {
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, work));
  } catch (error) {
    stop.abort();
    throw error;
  }
  return sent.sort((one, other) => one.part_number - other.part_number);
}

/** PUT bytes to a signed URL, again while the storage is away; returns the ETag. No credential goes there. */
async function send(
  http: Http,
  url: string,
  bytes: Blob,
  headers: Record<string, string>,
  report: (sentBytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  // The browser counts the bytes itself and wants no say in it.
  const told = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "content-length"));
  const put = typeof XMLHttpRequest === "undefined" ? putByFetch : putByXhr;
  for (let tries = 1; ; tries++) {
    try {
      const etag = await put(http, url, bytes, told, report, signal);
      report(bytes.size);
      return etag;
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
) => Promise<string | null>;

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
  return response.headers.get("etag");
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
      if (request.status >= 200 && request.status < 300) return resolve(request.getResponseHeader("etag"));
      problemOf(new Response(request.responseText || null, { status: request.status })).then(reject, reject);
    });
    request.onerror = settle(() => reject(new TypeError("the upload was broken off")));
    request.onabort = settle(() => reject(signal?.reason as Error));
    if (signal?.aborted) return reject(signal.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
    request.send(bytes);
  });
