import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
});
afterAll(() => browser?.close());

test("the page of the API's documents shows every route, asks nobody else and complains of nothing", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const complaints: string[] = [];
  const asked = new Set<string>();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (said) => {
    if (["error", "warning"].includes(said.type())) complaints.push(said.text());
  });
  page.on("request", (request) => asked.add(new URL(request.url()).origin));
  await page.goto(`${inject("url")}/docs`);
  await page.waitForSelector(".opblock-tag-section, .opblock");
  const document = (await (await fetch(`${inject("url")}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const tags = await page.locator(".opblock-tag").count();
  expect(tags).toBeGreaterThan(0);
  for (const tag of await page.locator(".opblock-tag[data-is-open=false]").all()) await tag.click();
  const routes = Object.values(document.paths).flatMap((path) =>
    Object.keys(path).filter((name) => ["get", "put", "post", "patch", "delete"].includes(name)),
  );
  await expect.poll(() => page.locator(".opblock").count()).toBe(routes.length);
  expect([...asked]).toEqual([new URL(inject("url")).origin]);
  expect(complaints).toEqual([]);
});
