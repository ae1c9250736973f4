/** Requests to the API: with the credential, again where that is safe, and refusals as `Problem`. */

import type { Credentials } from "./credentials.js";
import { Problem, problemOf } from "./problem.js";

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly query?: readonly (readonly [string, string])[];
  readonly signal?: AbortSignal | undefined;
  /** Sending it twice does what sending it once does. GET, PUT and DELETE are so anyway. */
  readonly repeatable?: boolean;
}

const TRIES = 4;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

export class Http {
  /** Without a slash at the end. In a page it may be given without the host, which is the page's then. */
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly fetch: typeof fetch;

  constructor(baseUrl: string, credentials: Credentials, fetcher: typeof fetch) {
    const page = (globalThis as { location?: Location }).location;
    const whole = page === undefined ? baseUrl : new URL(baseUrl || "/", page.origin).href;
    this.baseUrl = whole.replace(/\/+$/, "");
    this.credentials = credentials;
    this.fetch = fetcher;
  }

  /** The answer's JSON. Raises Problem when the request is refused. */
  async call<Answer>(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.request(method, path, options);
    const text = await response.text();
    return (text === "" ? undefined : JSON.parse(text)) as Answer;
  }

  /** A good answer. Tries again while the server is away or busy, where that is safe, and once with another token. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const repeatable = options.repeatable ?? ["GET", "PUT", "DELETE"].includes(method);
    let refreshed = false;
    for (let tries = 1; ; tries++) {
      let pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random() / 2);
      try {
        const token = await this.credentials.token();
        const response = await this.once(method, path, options, token);
        if (response.ok) return response;
        if (response.status === 401 && this.credentials.canRefresh && !refreshed) {
          refreshed = true;
          await response.body?.cancel();
          await this.credentials.replace(token);
          continue;
        }
        const problem = await problemOf(response);
        // 429 and 503 were refused before anything was done; after another failure something may have been.
        const safe = problem.status === 429 || problem.status === 503 || (repeatable && problem.status >= 502);
        if (!safe || tries >= TRIES || (problem.retryAfterS ?? 0) * 1000 > LONGEST_PAUSE_MS) throw problem;
        pauseMs = Math.max(pauseMs, (problem.retryAfterS ?? 0) * 1000);
      } catch (error) {
        if (error instanceof Problem || !repeatable || tries >= TRIES || options.signal?.aborted) throw error;
      }
      await pause(pauseMs, options.signal);
    }
  }

  /** One request, whatever its answer. */
  async once(method: string, path: string, options: RequestOptions, token: string | null): Promise<Response> {
    const headers = new Headers(options.headers);
    if (token !== null) headers.set("authorization", `Bearer ${token}`);
    const query = options.query?.length
      ? `?${new URLSearchParams(options.query.map(([name, value]) => [name, value]))}`
      : "";
    const init: RequestInit = {
      method,
      headers,
      signal: options.signal ?? null,
      credentials: this.credentials.usesCookie ? "same-origin" : "omit",
    };
    if (options.body !== undefined) {
      headers.set("content-type", "application/json");
      init.body = JSON.stringify(options.body);
    }
    const send = this.fetch; // not as a method: a browser's fetch wants no other `this`
    return send(this.baseUrl + path + query, init);
  }
}

/** Wait; raises the signal's reason when it is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const aborted = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** A name nobody else has; not randomUUID, which pages without https lack. */
export function randomRef(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
