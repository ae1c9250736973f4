/** Films in a browser: one that plays while it is made, and a finished HLS film from the storage's own URLs. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { Client } from "../../src/index.js";

const CHROMIUM = "/usr/bin/chromium";
const ARGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"];
const HLS = createRequire(import.meta.url).resolve("hls.js/dist/hls.min.js");
const COLORS = ["#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#00ffff"];

interface HlsPlayer {
  loadSource(url: string): void;
  attachMedia(video: HTMLVideoElement): void;
  on(event: string, take: (event: string, data: { fatal: boolean; type: string; details: string }) => void): void;
}
interface Global {
  Hls: { new (): HlsPlayer; Events: { ERROR: string } };
  complaints: string[];
}
/** What a playing video is asked. */
interface Seen {
  at: number;
  ends: number;
  width: number;
  ended: boolean;
  color: number[];
  complaints: string[];
}

let browser: Browser;
let page: Page;
let client: Client;
let projectId: string;

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: \`make test-web\` installs it`);
  browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGS });
  client = new Client(inject("url"), inject("key"), { WebSocket });
  projectId = (await client.createProject("Films")).id;
});
afterAll(() => browser?.close());

/** Play a URL in a new page of another origin than the API's. */
async function play(url: string): Promise<void> {
  page = await browser.newPage();
  await page.goto(inject("page"));
  await page.addScriptTag({ path: HLS });
  await page.evaluate((url) => {
    const found = globalThis as unknown as Global;
    found.complaints = [];
    const video = document.createElement("video");
    video.muted = true;
    document.body.append(video);
    const hls = new found.Hls();
    hls.on(found.Hls.Events.ERROR, (_, told) => {
      if (told.fatal) found.complaints.push(`${told.type} ${told.details}`);
    });
    hls.loadSource(url);
    hls.attachMedia(video);
    void video.play();
  }, url);
}

function look(): Promise<Seen> {
  return page.evaluate(() => {
    const video = document.querySelector("video") as HTMLVideoElement;
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const drawn = canvas.getContext("2d") as CanvasRenderingContext2D;
    drawn.drawImage(video, 0, 0, 1, 1);
    const { currentTime: at, videoWidth: width, ended, buffered } = video;
    const ends = buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
    const { complaints } = globalThis as unknown as Global;
    return { at, ends, width, ended, color: [...drawn.getImageData(0, 0, 1, 1).data.slice(0, 3)], complaints };
  });
}

async function until(enough: (seen: Seen) => boolean): Promise<Seen> {
  for (;;) {
    const seen = await look();
    if (seen.complaints.length > 0) throw new Error(seen.complaints.join(", "));
    if (enough(seen)) return seen;
    await page.waitForTimeout(100);
  }
}

const film = (seconds: number, width: number, height: number) => ({
  width,
  height,
  fps: 25,
  tracks: [{ clips: COLORS.map((color) => ({ type: "color", color, duration: seconds / COLORS.length })) }],
});

async function signed(path: string): Promise<string> {
  const answer = await fetch(`${inject("url")}/projects/${projectId}/renders/${path}`, {
    headers: { authorization: `Bearer ${inject("key")}` },
  });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { url: string }).url;
}

/** Something that never stands still, so that the film takes its time. */
const mover = (seconds: number) => ({
  type: "color",
  color: "#808080",
  width: 40,
  height: 40,
  duration: seconds,
  keyframes: [0, seconds].map((time) => ({ property: "x", time, value: time === 0 ? 100 : 1100 })),
});

test("a film plays while it is made, and goes on as it grows", { timeout: 120_000 }, async () => {
  const room = client.room(projectId);
  const { tracks, ...canvas } = film(288, 1280, 720);
  const { render_id } = await room.create({
    composition_id: "timeline",
    input_props: { ...canvas, tracks: [...tracks, { clips: [mover(288)] }] },
    output_settings: { preset: "medium", preview: { hls: true } },
  });
  for await (const message of room) if (message.type === "render.playable") break;
  await play(await signed(`${render_id}/playlist`));
  const first = await until((seen) => seen.at > 0.5);
  expect(first.width).toBe(1280);
  expect(first.color[0]).toBeGreaterThan(200);
  const later = await until((seen) => seen.ends > first.ends + 1);
  expect(later.at).toBeGreaterThan(first.at);
  expect((await client.getRender(projectId, render_id)).status).toBe("processing");
  await client.cancelRender(projectId, render_id);
  await page.evaluate(() => {
    const video = document.querySelector("video") as HTMLVideoElement;
    video.playbackRate = 16;
  });
  expect((await until((seen) => seen.ended)).at).toBeGreaterThan(1);
});

test("a finished HLS film plays to its end", async () => {
  const render = await client.render(projectId, {
    composition_id: "timeline",
    input_props: film(3, 320, 180),
    output_settings: { format: "hls", preset: "ultrafast" },
  });
  await play(await signed(`${render.id}/output`));
  const last = await until((seen) => seen.ended);
  expect(last.at).toBeCloseTo(3, 1);
  expect(last.color[0]).toBeLessThan(60);
  expect(last.color[2]).toBeGreaterThan(200);
});
