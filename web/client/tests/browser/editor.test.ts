/** examples/editor, as a person uses it: a photo, three captions, one of them changed. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

const CHROMIUM = "/usr/bin/chromium";
const PHOTO = fileURLToPath(new URL("../../../../docs/images/films.jpg", import.meta.url));
const WAIT = { timeout: 50_000 };

let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: \`make test-web\` installs it`);
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  page = await browser.newPage({ viewport: { width: 1120, height: 560 } });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(inject("editor"));
});
afterAll(() => browser?.close());

const status = () => page.locator("#status");

test("a photo becomes a film with captions", async () => {
  await page.setInputFiles("#file", PHOTO);
  await status().filter({ hasText: "Rendered in" }).waitFor(WAIT);
  await page.waitForFunction("document.querySelector('video').duration === 12", undefined, WAIT);
});

test("a changed caption is rendered again, and only what shows it", async () => {
  const before = await page.locator("video").getAttribute("src");
  await page.fill("[name=caption] >> nth=2", "before anybody hears it");
  await page.waitForFunction((src) => document.querySelector("video")?.getAttribute("src") !== src, before, WAIT);
  await status().filter({ hasText: "Rendered in" }).waitFor(WAIT);
  const [, reused, segments] = /(\d+) of (\d+) segments/.exec((await status().textContent()) ?? "") ?? [];
  expect(Number(reused)).toBeGreaterThan(0);
  expect(Number(reused)).toBeLessThan(Number(segments));
  await page.evaluate("document.querySelector('video').currentTime = 10");
  await page.waitForFunction(
    "!document.querySelector('video').seeking && document.querySelector('video').readyState > 1",
  );
  if (process.env["EDITOR_PICTURE"]) {
    await page.screenshot({ path: process.env["EDITOR_PICTURE"], type: "jpeg", quality: 80 });
  }
});

test("nothing was complained of", () => {
  expect(complaints).toEqual([]);
});
