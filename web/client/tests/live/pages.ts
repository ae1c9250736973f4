/** Serves the client to a browser as it is: its TypeScript, transpiled file by file, without a bundler. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import ts from "typescript";

const FOLDER = new URL("../../", import.meta.url);
const MODULE = /^\/(src|tests\/live)\/[a-z/-]+\.js$/;
const PAGE = `<!doctype html><title>RenderOwl</title>
<script type="module">
  import { scenarios } from "/tests/live/scenarios.js";
  globalThis.scenarios = scenarios;
</script>`;

export async function servePages(): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = createServer((asked, answer) => {
    const path = asked.url ?? "/";
    if (!MODULE.test(path)) {
      const found = path === "/";
      answer.writeHead(found ? 200 : 404, { "content-type": "text/html" });
      return void answer.end(found ? PAGE : "");
    }
    transpile(path).then(
      (text) => answer.writeHead(200, { "content-type": "text/javascript" }).end(text),
      () => answer.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function transpile(path: string): Promise<string> {
  const source = await readFile(new URL(`.${path.replace(/\.js$/, ".ts")}`, FOLDER), "utf8");
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
