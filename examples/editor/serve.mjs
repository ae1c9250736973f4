/**
 * The editor's backend: keeps the API key, serves the page and the client, and gives the page tokens for one project.
 *
 * node serve.mjs http://127.0.0.1:8080 KEY [port]
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

const HERE = new URL("./", import.meta.url);
const CLIENT = new URL("../../web/client/dist/", import.meta.url);
const TOKEN_S = 3600;

/** Listen on localhost. Call `connect(server, key)` before the page is asked for. */
export async function serveEditor(port = 0) {
  let [server, key, projectId] = ["", "", ""];

  /** @param {string} path @param {object} body */
  async function ask(path, body) {
    const headers = {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
    };
    const answer = await fetch(server + path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.json();
  }

  /** The type and the bytes of what is asked for. @param {string} path */
  async function answer(path) {
    if (path === "/settings") return ["application/json", JSON.stringify({ server, projectId })];
    if (path === "/token") {
      const made = await ask("/auth/tokens", {
        project_id: projectId,
        scopes: ["read", "write"],
        ttl_s: TOKEN_S,
      });
      return ["text/plain", made.token];
    }
    const name = path === "/" ? "index.html" : path.slice(1);
    const found = /^(client\/)?([\w/-]+\.(?:html|js))$/.exec(name);
    if (found?.[2] === undefined) return undefined;
    const type = name.endsWith(".html") ? "text/html; charset=utf-8" : "text/javascript";
    return [type, await readFile(new URL(found[2], found[1] ? CLIENT : HERE))];
  }

  const listening = createServer((asked, response) => {
    answer(new URL(asked.url ?? "/", "http://localhost").pathname).then(
      (found) => {
        response
          .writeHead(found ? 200 : 404, {
            "content-type": found?.[0] ?? "text/plain",
          })
          .end(found?.[1]);
      },
      (problem) => response.writeHead(problem.code === "ENOENT" ? 404 : 502).end(String(problem)),
    );
  });
  await new Promise((resolve) => listening.listen(port, "localhost", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (listening.address());
  return {
    url: `http://localhost:${address.port}`,
    /** @param {string} at @param {string} apiKey */
    connect: async (at, apiKey) => {
      [server, key] = [at, apiKey];
      projectId = (await ask("/projects", { name: "Editor" })).id;
    },
    stop: () => {
      listening.closeAllConnections();
      return new Promise((resolve) => listening.close(resolve));
    },
  };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [, , address = "", apiKey = "", port = "5180"] = argv;
  const editor = await serveEditor(Number(port));
  await editor.connect(address, apiKey);
  console.log(`the editor is at ${editor.url}`);
}
