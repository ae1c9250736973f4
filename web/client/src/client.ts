/** RenderOwl over HTTP and its rooms. */

import { Credentials, type TokenSource } from "./credentials.js";
import { follow, render, type FollowOptions, type RenderOptions } from "./follow.js";
import { Http, pause, randomRef, type RequestOptions } from "./http.js";
import type { SocketAuth, WebSocketConstructor } from "./links/socket.js";
import { Problem, problemOf } from "./problem.js";
import { Room } from "./room.js";
import type { RoomOptions } from "./room-options.js";
import { TIMING, type Timing } from "./timing.js";
import type { Asset, Page, Plan, Project, ProjectToken, Render, RenderRequest, SignedUrl } from "./types.js";
import { resumeUpload, upload, type SendOptions, type UploadOptions } from "./uploads.js";

export interface ClientOptions {
  /** What rooms use for sockets: the surroundings' own unless given. Node has one since 22; before, take that of `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** How sockets say who is calling; `subprotocol` unless there is no token but a session cookie. */
  readonly socketAuth?: SocketAuth | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** How patient rooms are; the defaults fit the server's. */
  readonly timing?: Partial<Timing> | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

const LOOK_MS = { first: 50, longest: 1_000 };

/** Throws `Problem` for what the server refuses. */
export class Client {
  readonly #http: Http;
  readonly #socketClass: WebSocketConstructor | null;
  readonly #socketAuth: SocketAuth;
  readonly #timing: Timing;

  /** `token` is an API key, a token, or a function that gets one; null leaves it to the browser's session cookie. */
  constructor(baseUrl: string, token: TokenSource | null, options: ClientOptions = {}) {
    this.#http = new Http(baseUrl, new Credentials(token), options.fetch ?? globalThis.fetch);
    this.#socketClass = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket ?? null;
    this.#socketAuth = options.socketAuth ?? (token === null ? "ticket" : "subprotocol");
    this.#timing = { ...TIMING, ...options.timing };
  }

  // --- rooms and renders --------------------------------------------------------------------------------------------

  /** What happens in a project, for ever. */
  room(projectId: string, options: RoomOptions = {}): Room {
    const setting = { http: this.#http, projectId, socketClass: this.#socketClass };
    return new Room({ ...setting, socketAuth: this.#socketAuth, timing: this.#timing }, options);
  }

  /** Submit a render and follow it to its end. Throws `RenderFailed`, `RenderCancelled`, or the signal's reason. */
  render(projectId: string, spec: RenderRequest, options: RenderOptions = {}): Promise<Render> {
    return render(this.#http, projectId, spec, options, (id) => this.#roomOf(projectId, id));
  }

  /** Follow a render that is there already. Throws as `render` does. */
  follow(projectId: string, renderId: string, options: FollowOptions = {}): Promise<Render> {
    return follow(this.#http, projectId, renderId, options, (id) => this.#roomOf(projectId, id));
  }

  /** Submit a render and return at once. */
  createRender(
    projectId: string,
    spec: RenderRequest,
    options: CallOptions & { readonly idempotencyKey?: string } = {},
  ): Promise<Render> {
    const headers = { "idempotency-key": options.idempotencyKey ?? randomRef() };
    return this.call("POST", `${at(projectId)}/renders`, { ...options, body: spec, headers, repeatable: true });
  }

  /** What would be done, without doing it. */
  planRender(projectId: string, spec: RenderRequest, options: CallOptions = {}): Promise<Plan> {
    return this.call("POST", `${at(projectId)}/renders/plan`, { ...options, body: spec, repeatable: true });
  }

  getRender(projectId: string, renderId: string, options: CallOptions = {}): Promise<Render> {
    return this.call("GET", at(projectId, "renders", renderId), options);
  }

  /** A page of the project's renders, newest first. */
  listRenders(projectId: string, cursor?: string, options: CallOptions = {}): Promise<Page<Render>> {
    return this.call("GET", `${at(projectId)}/renders`, { ...options, query: pageQuery(cursor) });
  }

  cancelRender(projectId: string, renderId: string, options: CallOptions = {}): Promise<Render> {
    return this.call("POST", `${at(projectId, "renders", renderId)}/cancel`, options);
  }

  /** Start the next attempt of a failed render. */
  retryRender(projectId: string, renderId: string, options: CallOptions = {}): Promise<Render> {
    return this.call("POST", `${at(projectId, "renders", renderId)}/retry`, options);
  }

  /** A URL of a produced file that works without a credential for a day: the only or first one, or that called `name`. */
  outputUrl(projectId: string, renderId: string, name?: string, options: CallOptions = {}): Promise<SignedUrl> {
    const query = name === undefined ? [] : [["name", name] as const];
    return this.call("GET", `${at(projectId, "renders", renderId)}/output`, { ...options, query });
  }

  /** A produced file, to be read from the answer's body. */
  async download(projectId: string, renderId: string, name?: string, options: CallOptions = {}): Promise<Response> {
    const { url } = await this.outputUrl(projectId, renderId, name, options);
    return this.#fetchSigned(url, options.signal);
  }

  // --- projects and assets ------------------------------------------------------------------------------------------

  createProject(name: string, options: CallOptions = {}): Promise<Project> {
    return this.call("POST", "/projects", { ...options, body: { name } });
  }

  /** A page of your projects, newest first. */
  listProjects(cursor?: string, options: CallOptions = {}): Promise<Page<Project>> {
    return this.call("GET", "/projects", { ...options, query: pageQuery(cursor) });
  }

  /** Send a file and confirm it; the server looks into it next: see `readyAsset`. */
  upload(projectId: string, file: Blob, options: UploadOptions = {}): Promise<Asset> {
    return upload(this.#http, projectId, file, options);
  }

  /** Send what has not arrived of an upload that broke off (a `pending` asset), of the same file, and confirm it. */
  resumeUpload(projectId: string, assetId: string, file: Blob, options: SendOptions = {}): Promise<Asset> {
    return resumeUpload(this.#http, projectId, assetId, file, options);
  }

  getAsset(projectId: string, assetId: string, options: CallOptions = {}): Promise<Asset> {
    return this.call("GET", at(projectId, "assets", assetId), options);
  }

  /** Wait until an asset is ready. Throws `Problem` with why when it cannot be used. */
  async readyAsset(projectId: string, assetId: string, options: CallOptions = {}): Promise<Asset> {
    for (let pauseMs = LOOK_MS.first; ; pauseMs = Math.min(LOOK_MS.longest, pauseMs * 1.5)) {
      const asset = await this.getAsset(projectId, assetId, options);
      if (asset.status === "ready") return asset;
      if (asset.status === "failed") {
        const { code, message } = { code: "unknown", message: "cannot be used", ...asset.error };
        throw new Problem({ status: 422, code, detail: `${asset.name}: ${message}` });
      }
      await pause(pauseMs, options.signal);
    }
  }

  /** A token for one project: what an editor's backend hands its browser. */
  mintToken(projectId: string, scopes: readonly ("read" | "write")[], ttlS: number): Promise<ProjectToken> {
    return this.call("POST", "/auth/tokens", { body: { project_id: projectId, scopes, ttl_s: ttlS } });
  }

  // --- everything else ----------------------------------------------------------------------------------------------

  /** Any route of /openapi.json: with your credential, refusals as `Problem`, again while the server is away. */
  call<Answer>(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.#http.call<Answer>(method, path, options);
  }

  /** The same for answers that are text and no JSON: logs, pictures of plans. */
  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    return (await this.#http.request(method, path, options)).text();
  }

  #roomOf(projectId: string, renderId: string): Room {
    return this.room(projectId, { filter: { render_ids: [renderId] } });
  }

  /** Signed URLs carry their own authorization and may lead to another host: no credential goes there. */
  async #fetchSigned(url: string, signal: AbortSignal | undefined): Promise<Response> {
    const { fetch } = this.#http;
    const response = await fetch(url, { credentials: "omit", signal: signal ?? null });
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

function at(projectId: string, kind?: "renders" | "assets", id?: string): string {
  const project = `/projects/${encodeURIComponent(projectId)}`;
  return kind === undefined || id === undefined ? project : `${project}/${kind}/${encodeURIComponent(id)}`;
}

function pageQuery(cursor: string | undefined): (readonly [string, string])[] {
  return cursor === undefined ? [] : [["cursor", cursor]];
}
