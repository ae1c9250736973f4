/** A browser, pages that keep what they complain of, and the ways through the dashboard that many tests take. */

import { Client } from "@renderowl/client";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject } from "vitest";

const CHROMIUM = "/usr/bin/chromium";
const ARGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"];
export const PHONE = { width: 390, height: 844 };

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
});
afterAll(() => browser.close());

export const admin = () => new Client(inject("url"), inject("key"));

export interface Visit {
  readonly page: Page;
  /** Errors and warnings of the console but for requests that were refused, which the test knows of. */
  readonly complaints: string[];
  /** Where anything was asked for. */
  readonly origins: Set<string>;
}

/** A page of a browser that has never been here. */
export async function visit(options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (said) => {
    const network = /Failed to load resource|net::ERR_|WebSocket connection to/.test(said.text());
    if (["error", "warning"].includes(said.type()) && !network) complaints.push(said.text());
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith("http")) origins.add(origin);
  });
  return { page, complaints, origins };
}

/** Sign in with the administrator's key, which nothing limits. */
export async function signIn(page: Page, path = "/"): Promise<void> {
  await page.goto(`${inject("url")}/dashboard${path}`);
  await page.getByText("With a key").click();
  await page.getByRole("textbox", { name: "API key" }).fill(inject("key"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("banner").waitFor();
}

/** What axe finds against WCAG 2.2 AA, as sentences. It runs beside the page's own scripts, whose policy it does not ask. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const dialog = document.querySelector("[role=dialog]") !== null;
    const { axe } = globalThis as unknown as { axe: { run: (options: object) => Promise<{ violations: Found[] }> } };
    interface Found {
      id: string;
      nodes: { target: unknown[]; html: string }[];
    }
    // A dialog of Mantine has a <header>; while one is open nothing else is perceived.
    const rules = { "landmark-no-duplicate-banner": { enabled: false }, "landmark-unique": { enabled: !dialog } };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return (await axe.run({ runOnly: tags, rules })).violations;
  });
  const said = found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, html }) => `${id}: ${target.join(" ")} ${html.slice(0, 160)}`),
  );
  // What CodeMirror scrolls is a text box that takes the keyboard: axe does not count it as such.
  return said.filter((one) => !one.startsWith("scrollable-region-focusable") || !one.includes("cm-scroller"));
}

export async function expectNoBarriers(page: Page, where: string): Promise<void> {
  expect(await barriers(page), where).toEqual([]);
}
