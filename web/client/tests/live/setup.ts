/** One server and one place for pages, for all live tests. */

import type { TestProject } from "vitest/node";
import { serveEditor } from "../../../../examples/editor/serve.mjs";
import { startServer } from "../../scripts/server.mjs";
import { servePages } from "./pages.js";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    key: string;
    /** Of `renderowl up`. */
    pid: number;
    page: string;
    /** The page of examples/editor. */
    editor: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [pages, editor] = [await servePages(), await serveEditor()];
  const settings = {
    RENDEROWL_ALLOWED_ORIGINS: `${pages.url},${editor.url}`,
    RENDEROWL_MULTIPART_THRESHOLD_BYTES: String(6 * 1024 ** 2),
  };
  const server = await startServer(settings).catch(async (error: unknown) => {
    await Promise.all([pages.stop(), editor.stop()]);
    throw error;
  });
  await editor.connect(server.url, server.key);
  project.provide("url", server.url);
  project.provide("key", server.key);
  project.provide("pid", server.pid);
  project.provide("page", pages.url);
  project.provide("editor", editor.url);
  return async () => {
    await server.stop();
    await Promise.all([pages.stop(), editor.stop()]);
  };
}
