/** Takes the pictures of docs/dashboard.md: a page light, dark and on a phone, from a server of its own. */
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { startServer } from "../../client/scripts/server.mjs";

const FOLDER = fileURLToPath(new URL("../../../docs/images/", import.meta.url));
const COLORS = ["#1b2a49", "#3a2f6b", "#6b2f57", "#2f5a6b"];
const LINES = ["Owls hunt at night", "by the light of few stars", "and hear a mouse", "under the snow"];
const SECONDS = 40;

const each = SECONDS / COLORS.length;
const FILM = {
  composition_id: "timeline",
  input_props: {
    width: 1280,
    height: 720,
    fps: 30,
    tracks: [
      { clips: COLORS.map((color) => ({ type: "color", color, duration: each })) },
      {
        clips: [
          {
            type: "shape",
            shape: "ellipse",
            fill: "#f6b73c",
            width: 120,
            height: 120,
            duration: SECONDS,
            keyframes: [0, SECONDS].map((time) => ({ property: "x", time, value: 140 + time * 25 })),
          },
        ],
      },
      { clips: LINES.map((text, index) => ({ type: "text", text, start: index * each + 0.5, duration: each - 1 })) },
    ],
  },
  output_settings: { output_name: "owls.mp4", preset: "slow", preview: { hls: true } },
};

const server = await startServer();
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
});

/** @param {string} path @param {unknown} [body] */
async function call(path, body) {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(server.url + path, { headers, ...init });
  if (!answer.ok) throw new Error(await answer.text());
  /** @type {unknown} */
  const made = await answer.json();
  return /** @type {{ id: string }} */ (made);
}

/** @param {import("playwright-core").BrowserContextOptions} options */
async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  await page.goto(`${server.url}/dashboard`);
  await page.getByText("With a key").click();
  await page.getByRole("textbox", { name: "API key" }).fill(server.key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("banner").waitFor();
  return page;
}

/** @param {import("playwright-core").Page} page @param {string} name */
const take = (page, name) => page.screenshot({ path: `${FOLDER}dashboard_${name}.jpg`, type: "jpeg", quality: 82 });

try {
  const project = await call("/projects", { name: "Owl trailer" });
  const at = `/projects/${project.id}`;
  const small = { ...FILM.input_props, width: 320, height: 180 };
  await call(`${at}/renders`, {
    composition_id: "timeline",
    input_props: { tracks: small.tracks.slice(0, 1), ...{ width: 320, height: 180 } },
  });
  const render = await call(`${at}/renders`, FILM);

  const light = await open({ colorScheme: "light" });
  await light.goto(`${server.url}/dashboard${at}/renders/${render.id}`);
  await light.locator("video").waitFor({ timeout: 90_000 });
  await light.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 2);
  await light.getByText(/frame \d+ of/).waitFor();
  await take(light, "render");

  const phone = await open({ colorScheme: "dark", viewport: { width: 390, height: 844 } });
  await phone.goto(`${server.url}/dashboard${at}/renders`);
  await phone.locator("[data-render] img").first().waitFor({ timeout: 60_000 });
  await take(phone, "phone");

  const dark = await open({ colorScheme: "dark" });
  await dark.goto(`${server.url}/dashboard/admin`);
  await dark.getByText("Steps at work").waitFor();
  await take(dark, "workers");
  await dark.goto(`${server.url}/dashboard${at}/playground?from=${render.id}`);
  await dark.getByText("Up to date").waitFor();
  await dark.getByRole("img", { name: /What is seen and heard/ }).waitFor();
  await take(dark, "playground");
} finally {
  await browser.close();
  await server.stop();
}
