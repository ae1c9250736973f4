/** Every page can be used by everybody: names, contrast, order, in both schemes and on a phone. */

import type { Page } from "playwright-core";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { PHONE, admin, expectNoBarriers, signIn, visit } from "./surroundings.js";

let projectId: string;
let renderId: string;
let automationId: string;

beforeAll(async () => {
  const client = admin();
  projectId = (await client.createProject("Barriers")).id;
  const path = `/projects/${projectId}`;
  const clips = [{ type: "color", color: "#204060", duration: 1 }];
  const spec = { composition_id: "timeline", input_props: { width: 320, height: 180, tracks: [{ clips }] } };
  renderId = (await client.render(projectId, spec)).id;
  const body = { url: "https://hooks.example/owl", description: "to nobody" };
  const webhook = await client.call<{ id: string }>("POST", `${path}/webhooks`, { body });
  await client.call("POST", `${path}/webhooks/${webhook.id}/test`);
  const rule = {
    name: "Every morning",
    trigger: { type: "schedule", cron: "0 9 * * *", timezone: "Europe/Paris" },
    actions: [{ type: "create_render", ...spec }],
  };
  automationId = (await client.call<{ id: string }>("POST", `${path}/automations`, { body: rule })).id;
  await client.call("POST", `${path}/automations/${automationId}/trigger`, { body: { input: {} } });
  await client.call("POST", "/keys", { body: { name: "robot" } });
});

/** Paths and what is there once they are. */
const pages = (): readonly (readonly [string, (page: Page) => Promise<void>])[] => {
  const project = `/projects/${projectId}`;
  const text = (words: string) => (page: Page) => page.getByText(words).first().waitFor();
  return [
    ["/projects", text("Barriers")],
    [`${project}/renders`, text("timeline")],
    [`${project}/renders/${renderId}`, text("Show the commands")],
    [`${project}/assets`, text("No assets yet")],
    [`${project}/playground`, text("Up to date")],
    [`${project}/automations`, text("Every morning")],
    [`${project}/automations/${automationId}`, text("Next run")],
    [`${project}/webhooks`, text("https://hooks.example/owl")],
    ["/keys", text("robot")],
    ["/admin", text("Steps at work")],
    ["/nowhere", text("There is nothing here")],
  ];
};

describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
  test.each([
    ["on a desk", undefined],
    ["on a phone", PHONE],
  ] as const)("%s", async (_, viewport) => {
    const { page, complaints } = await visit({ colorScheme, reducedMotion: "reduce", ...(viewport && { viewport }) });
    await page.goto(`${inject("url")}/dashboard`);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await expectNoBarriers(page, "signing in");
    await signIn(page);
    for (const [path, there] of pages()) {
      await page.goto(`${inject("url")}/dashboard${path}`);
      await there(page);
      await expectNoBarriers(page, `${path} ${colorScheme}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wide, `${path} is no wider than the screen`).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
  });
});

test("dialogs have names and no barriers, and the keyboard opens and leaves them", async () => {
  const { page } = await visit();
  await signIn(page, "/keys");
  await page.getByRole("button", { name: "New key" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "New key" }).waitFor();
  await expectNoBarriers(page, "the dialog of a new key");
  await page.keyboard.press("Escape");
  await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("New key");
});
