/** One server for all tests in the browser. */

import type { TestProject } from "vitest/node";
import { startServer } from "../../../client/scripts/server.mjs";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    key: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer({ RENDEROWL_MULTIPART_THRESHOLD_BYTES: String(6 * 1024 ** 2) });
  project.provide("url", server.url);
  project.provide("key", server.key);
  return server.stop;
}
