/** From signing up to a film: what somebody sees who has just arrived. */

import { expect, inject, test } from "vitest";
import { admin, signIn, visit } from "./surroundings.js";

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGNkaPjPwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg==",
  "base64",
);

test("somebody signs up, makes a project, brings a picture, renders a film, watches it, and leaves", async () => {
  const { page, complaints, origins } = await visit();
  await page.goto(`${inject("url")}/`);
  await page.getByText("Sign up", { exact: true }).click();
  await page.getByLabel("Email").fill("ann@example.org");
  await page.getByRole("textbox", { name: "Password" }).fill("correct horse battery");
  await page.getByRole("button", { name: "Sign up" }).click();

  await page.getByRole("button", { name: "New project" }).first().click();
  await page.getByRole("textbox", { name: "Name" }).fill("Owls");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("No renders yet").waitFor();

  await page.getByRole("link", { name: "Assets" }).click();
  const data = await page.evaluateHandle(
    (bytes) => {
      const dropped = new DataTransfer();
      dropped.items.add(new File([new Uint8Array(bytes)], "owl.png", { type: "image/png" }));
      return dropped;
    },
    [...png],
  );
  await page.getByTestId("drop").dispatchEvent("drop", { dataTransfer: data });
  const card = page.locator("[data-asset]");
  await card.locator("img").waitFor();
  await card.getByRole("button", { name: "Show owl.png" }).click();
  await page.getByText(/^asset:\/\/ast_/).waitFor();
  await page.keyboard.press("Escape");

  await page.getByRole("link", { name: "Playground" }).click();
  await page.getByText("Up to date").waitFor();
  await page.getByRole("img", { name: /What is seen and heard/ }).waitFor();
  await page.getByRole("button", { name: "Render", exact: true }).click();
  await page.locator("main [data-status=completed]").first().waitFor();
  const video = page.locator("video");
  await expect.poll(() => video.evaluate((one: HTMLVideoElement) => Math.round(one.duration))).toBe(6);
  const film = await page.request.get(await video.evaluate((one: HTMLVideoElement) => one.currentSrc));
  await page.locator("main li[data-kind]").first().waitFor();
  await page.getByRole("button", { name: "Show the commands" }).click();
  await page.getByRole("button", { name: /^segment-0/ }).click();
  await page
    .getByText(/^ffmpeg /)
    .first()
    .waitFor();

  await page.getByRole("link", { name: "Render again with changes" }).click();
  await page.getByText("2 of 2 segments cached").waitFor();

  await page.getByRole("link", { name: "Assets" }).click();
  await page
    .locator("input[type=file]")
    .first()
    .setInputFiles({ name: "film.mp4", mimeType: "video/mp4", buffer: await film.body() });
  const still = card.filter({ hasText: "film.mp4" }).locator("video");
  await expect.poll(() => still.evaluate((one: HTMLVideoElement) => one.videoWidth)).toBeGreaterThan(0);

  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  expect(complaints).toEqual([]);
  expect([...origins]).toEqual([new URL(inject("url")).origin]);
});

test("a film is seen while it is made: pictures, then the film itself, frames counted, and it is cancelled", async () => {
  const client = admin();
  const { id: projectId } = await client.createProject("Live");
  const { page, complaints } = await visit();
  await signIn(page, `/projects/${projectId}/renders`);
  await page.getByText("No renders yet").waitFor();
  const mover = { type: "color", color: "#f6b73c", width: 40, height: 40, duration: 120 };
  const keyframes = [0, 120].map((time) => ({ property: "x", time, value: time * 9 + 60 }));
  const render = await client.createRender(projectId, {
    composition_id: "timeline",
    input_props: { width: 1280, height: 720, tracks: [{ clips: [{ ...mover, keyframes }] }] },
    output_settings: { preset: "medium", preview: { hls: true, interval_s: 0.2 } },
  });
  // It appears by itself, with its newest picture.
  const row = page.locator(`[data-render=${render.id}]`);
  await row.locator("img").waitFor();
  await row.getByRole("link").click();
  await page.locator("video").waitFor();
  await expect
    .poll(() => page.locator("video").evaluate((one: HTMLVideoElement) => one.currentTime))
    .toBeGreaterThan(0.5);
  expect((await client.getRender(projectId, render.id)).status).toBe("processing");
  await page.getByText(/frame [1-9]\d* of 3600/).waitFor();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("button", { name: "Cancel it" }).click();
  await page.locator("main [data-status=cancelled]").first().waitFor();
  expect(complaints).toEqual([]);
});

test("a failed render says why, and is tried again", async () => {
  const client = admin();
  const { id: projectId } = await client.createProject("Failing");
  const clips = [{ type: "video", src: "https://nowhere.invalid/owl.mp4", duration: 1 }];
  const { id } = await client.createRender(projectId, {
    composition_id: "timeline",
    input_props: { tracks: [{ clips }] },
  });
  const { page, complaints } = await visit();
  await signIn(page, `/projects/${projectId}/renders/${id}`);
  await page.getByRole("button", { name: "Retry" }).waitFor({ timeout: 60_000 });
  await page.getByText("/input_props/tracks/0/clips/0/src").first().waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  await expect.poll(async () => (await client.getRender(projectId, id)).attempt).toBe(2);
  expect(complaints).toEqual([]);
});
