/** Fails unless the dashboard that is committed, and served, is the one its sources build. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const SERVED = fileURLToPath(new URL("../../../renderowl/api/pages/dashboard", import.meta.url));

/** @param {string} folder @returns {Promise<Map<string, string>>} */
async function filesIn(folder) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = paths.map(
    async (path) => /** @type {const} */ ([path.slice(folder.length), await readFile(path, "utf8")]),
  );
  return new Map(await Promise.all(read));
}

const folder = await mkdtemp(join(tmpdir(), "renderowl-dashboard-"));
try {
  const root = fileURLToPath(new URL("..", import.meta.url));
  await build({ root, logLevel: "warn", build: { outDir: folder, emptyOutDir: true } });
  const [built, served] = await Promise.all([filesIn(folder), filesIn(SERVED)]);
  const names = [...new Set([...built.keys(), ...served.keys()])];
  const different = names.filter((name) => built.get(name) !== served.get(name));
  if (different.length > 0) {
    console.error(`The dashboard that is served is not what its sources build: ${different.join(", ")}`);
    console.error("Run `make dashboard` and commit renderowl/api/pages/dashboard.");
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true });
}
