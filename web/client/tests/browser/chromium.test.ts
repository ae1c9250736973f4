import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { keepsItsPromises } from "../live/promises.js";

const CHROMIUM = "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What the page has. */
interface Global {
  scenarios: Record<string, (world: object, argument?: string) => unknown>;
  control: unknown;
}

let browser: Browser;
let page: Page;
const complaints: string[] = [];
/** The page may call only this one function; what it does is exchanged with every test. */
let control: (what: string) => Promise<unknown> = () => Promise.resolve();

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: \`make test-web\` installs it`);
  browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGS });
  page = await browser.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.exposeFunction("control", (what: string) => control(what));
  await page.goto(inject("page"));
  await page.waitForFunction("globalThis.scenarios !== undefined");
});
afterAll(() => browser?.close());

keepsItsPromises((name, world, control_, argument) => {
  control = control_ as typeof control;
  return page.evaluate(
    ([name, world, argument]) => {
      const { scenarios, control } = globalThis as unknown as Global;
      return scenarios[name]?.({ ...world, control, options: {} }, argument);
    },
    [name, world, argument] as const,
  ) as never;
}, "a page");

test("the page has seen no error that nobody caught", () => {
  expect(complaints).toEqual([]);
});
