/** The processes that `renderowl up` has started. */

import { readdir, readFile } from "node:fs/promises";

/** Ask the API's process to end, as a deployment does; `up` starts another. */
export async function deploy(upPid: number): Promise<void> {
  const pid = await apiOf(upPid);
  if (pid === null) throw new Error("there is no API to end");
  process.kill(pid, "SIGTERM");
}

async function apiOf(upPid: number): Promise<number | null> {
  for (const name of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    // A process may end while it is looked at.
    const status = await readFile(`/proc/${name}/status`, "utf8").catch(() => "");
    if (!new RegExp(`^PPid:\\s${upPid}$`, "m").test(status)) continue;
    const argv = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (argv.includes("serve")) return Number(name);
  }
  return null;
}
