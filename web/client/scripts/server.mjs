/** A RenderOwl of its own for generating and testing: a free port, a temporary folder, nothing left behind. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const READY_MS = 120_000;

/**
 * Start `renderowl up` and wait until it is ready.
 *
 * @param {Record<string, string>} [settings] environment variables
 * @returns {Promise<{ url: string, key: string, pid: number, stop: () => Promise<void> }>}
 */
export async function startServer(settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), "renderowl-web-"));
  const key = "the-bootstrap-token-of-the-web-tests";
  const env = { ...process.env, RENDEROWL_AUTH_TOKEN: key, ...settings };
  const child = spawn(
    join(ROOT, ".venv", "bin", "renderowl"),
    ["up", "--port", "0", "--data-dir", join(folder, "data")],
    {
      env,
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  let said = "";
  try {
    const url = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`renderowl up is not ready:\n${said}`)), READY_MS);
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`renderowl up ended:\n${said}`)));
      child.stderr.on("data", (/** @type {Buffer} */ data) => (said += data));
      let out = "";
      child.stdout.on("data", (/** @type {Buffer} */ data) => {
        out += data;
        const ready = /^ready (\S+)$/m.exec(out);
        if (ready === null) return;
        clearTimeout(timer);
        resolve(ready[1]);
      });
    });
    return { url, key, pid: child.pid ?? 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
