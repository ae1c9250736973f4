/** The things of the HTTP API, generated from the server's OpenAPI document. */

import type { components } from "./generated/openapi.js";
import type { Progress } from "./messages.js";

/** All of them by their names in the document. */
export type Schemas = components["schemas"];

export type Project = Schemas["ProjectView"];
export type Asset = Schemas["AssetView"];
/** The server leaves nothing of the progress out. */
export type Render = Omit<Schemas["RenderView"], "progress"> & { progress: Progress };
export type Plan = Schemas["PlanView"];
export type SignedUrl = Schemas["SignedUrl"];
export type Upload = Schemas["UploadView"];
export type ProjectToken = Schemas["TokenView"];
/** What is to be rendered; the server knows a value for everything that is left out. */
export type RenderRequest = Pick<Schemas["RenderRequest"], "composition_id"> & Partial<Schemas["RenderRequest"]>;

/** A part of a list, newest first; `next_cursor` is null on the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}
