/** Keys, webhooks, automations and the playground's help, against the real API. */

import { expect, inject, test } from "vitest";
import { admin, signIn, visit } from "./surroundings.js";

test("a key's plaintext is shown once, it works, is rotated, and its use is counted", async () => {
  const { page, complaints } = await visit();
  await signIn(page, "/keys");
  await page.getByRole("button", { name: "New key" }).first().click();
  await page.getByRole("textbox", { name: "Name" }).fill("farm");
  await page.getByRole("button", { name: "Make it" }).click();
  const shown = page.getByText(/^ro_live_/);
  const key = (await shown.textContent()) ?? "";
  const asked = await fetch(`${inject("url")}/me`, { headers: { authorization: `Bearer ${key}` } });
  expect(asked.status).toBe(200);
  await page.getByRole("button", { name: "I have it" }).click();
  await expect.poll(() => shown.count()).toBe(0);
  await page.getByRole("button", { name: "Rotate farm" }).click();
  await page.getByRole("button", { name: "Rotate it" }).click();
  await shown.waitFor();
  expect(await shown.textContent()).not.toBe(key);
  await page.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("button", { name: "Usage of farm" }).last().click();
  await page.getByText(/requests in 30 days/).waitFor();
  expect(complaints).toEqual([]);
});

test("a webhook is made, tried, and what was sent is replayed", async () => {
  const { id: projectId } = await admin().createProject("Hooks");
  const { page, complaints } = await visit();
  await signIn(page, `/projects/${projectId}/webhooks`);
  await page.getByRole("button", { name: "New webhook" }).first().click();
  await page.getByLabel("URL").fill("https://10.0.0.1/");
  await page.getByRole("button", { name: "Make it" }).click();
  await page
    .getByRole("dialog")
    .getByText(/address|reached|public/)
    .first()
    .waitFor(); // the field says why
  await page.getByLabel("URL").fill("https://hooks.example/owl");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.getByRole("tab", { name: "Deliveries" }).click();
  const replayed = page.waitForResponse((answer) => /deliveries\/dlv_\w+\/replay$/.test(answer.url()));
  await page
    .getByRole("button", { name: /^Replay dlv_/ })
    .first()
    .click();
  expect((await replayed).status()).toBe(202);
  expect(complaints).toEqual([]);
});

test("an automation is made by hand, says when it runs next, and what it did", async () => {
  const { id: projectId } = await admin().createProject("Rules");
  const { page, complaints } = await visit({ timezoneId: "Europe/Paris" });
  await signIn(page, `/projects/${projectId}/automations`);
  await page.getByRole("button", { name: "New automation" }).first().click();
  await page.getByRole("textbox", { name: "Name" }).fill("Mornings");
  await page.getByLabel("When").fill("0 9 * * 8");
  await page.getByRole("textbox", { name: "Actions as JSON" }).waitFor();
  await page.getByRole("button", { name: "Make it" }).click();
  await page
    .getByRole("dialog")
    .getByText(/weekday|8/)
    .first()
    .waitFor();
  await page.getByLabel("When").fill("0 9 * * *");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText(/^next/).waitFor();
  expect(await page.locator("main time").first().textContent()).toContain("09:00");
  await page.getByRole("link", { name: "Mornings" }).click();
  await page.getByRole("button", { name: "Run it now" }).click();
  await page.getByText("manual").waitFor();
  expect(complaints).toEqual([]);
});

test("the editor offers what may stand there, and marks what the server refuses", async () => {
  const { id: projectId } = await admin().createProject("Help");
  const { page, complaints } = await visit();
  await signIn(page, `/projects/${projectId}/playground`);
  const editor = page.getByRole("textbox", { name: "Request as JSON" });
  await page.getByText("Up to date").waitFor();
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(
    '{"input_props": {"tracks": [{"clips": [{"type": "color", "color": "#fff", "duration": 1, }]}]}}',
  );
  for (let presses = 0; presses < 6; presses++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+Space");
  const offered = page.getByRole("option");
  await offered.filter({ hasText: "opacity" }).waitFor();
  expect(await offered.filter({ hasText: "font_size" }).count()).toBe(0); // a text's, not a colour's
  await page.keyboard.type('"opac');
  await offered.filter({ hasText: "opacity" }).click();
  await page.keyboard.type("3");
  await page.getByText("/input_props/tracks/0/clips/0/opacity").waitFor();
  await page.locator(".cm-lintRange-error").waitFor();
  expect(complaints).toEqual([]);
});
