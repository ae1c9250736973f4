/** Without a network: it is said, nothing is lost, and what happened meanwhile is there afterwards. */

import { expect, test } from "vitest";
import { admin, signIn, visit } from "./surroundings.js";

const SHORT = {
  composition_id: "timeline",
  input_props: { width: 320, height: 180, tracks: [{ clips: [{ type: "color", color: "#204060", duration: 1 }] }] },
};

test("who goes offline is told, and on coming back sees what was rendered meanwhile", async () => {
  const client = admin();
  const { id: projectId } = await client.createProject("Away");
  const { page, complaints } = await visit();
  await signIn(page, `/projects/${projectId}/renders`);
  await page.getByText("No renders yet").waitFor();

  await page.context().setOffline(true);
  await page.getByText("Reconnecting…").waitFor();
  await page.getByText("This device is offline.").waitFor();
  const { id } = await client.render(projectId, SHORT);
  expect(await page.locator("[data-render]").count()).toBe(0);

  await page.context().setOffline(false);
  await page.locator(`[data-render=${id}] [data-status=completed]`).waitFor();
  await expect.poll(() => page.getByText("Reconnecting…").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("an upload that breaks off goes on when the network is back", async () => {
  const client = admin();
  const { id: projectId } = await client.createProject("Uploads");
  const { page, complaints } = await visit();
  await signIn(page, `/projects/${projectId}/assets`);
  await page.getByText("No assets yet").waitFor();
  // Three parts; the network goes when the first has been sent, and the client has given up before it comes back.
  const sent: string[] = [];
  await page.route("**/storage/**", async (route) => {
    if (route.request().method() === "PUT" && sent.length > 0) return route.abort("internetdisconnected");
    sent.push(route.request().url());
    return route.continue();
  });
  const wave = Buffer.alloc(34 * 1024 ** 2, 7);
  wave.write("RIFF", 0);
  wave.writeUInt32LE(wave.length - 8, 4);
  wave.write("WAVEfmt ", 8);
  for (const [at, value] of [
    [16, 16],
    [24, 44_100],
    [28, 88_200],
  ] as const)
    wave.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    wave.writeUInt16LE(value, at);
  wave.write("data", 36);
  wave.writeUInt32LE(wave.length - 44, 40);
  await page
    .locator("input[type=file]")
    .first()
    .setInputFiles({ name: "hum.wav", mimeType: "audio/wav", buffer: wave });
  await page.getByRole("button", { name: "Go on", exact: true }).waitFor({ timeout: 60_000 });
  await page.unroute("**/storage/**");
  const parts: string[] = [];
  page.on("request", (request) => request.method() === "PUT" && parts.push(request.url()));
  await page.getByRole("button", { name: "Go on", exact: true }).click();
  await page.locator("[data-asset]").getByText("hum.wav").waitFor();
  await expect.poll(() => page.locator("[data-asset]").getByText("pending").count()).toBe(0);
  await page
    .locator("[data-asset]")
    .getByText(/min · 36 MB/)
    .waitFor();
  expect(parts).not.toContain(sent[0]);
  expect(complaints).toEqual([]);
});
