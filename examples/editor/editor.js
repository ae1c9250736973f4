/** The editor: one source, three captions, and the film of them, rendered again after every change. */

import { Client } from "./client/index.js";

const EACH_S = 4;
const PAUSE_MS = 300;

const element = (id) => document.getElementById(id);
const { server, projectId } = await (await fetch("settings")).json();
const client = new Client(server, async () => (await fetch("token")).text());

let clip; // what is shown below the captions
let changing; // the timer of a change that is not submitted yet
let newest = 0; // which of the renders is the one to be shown

/** The film as it is to be: a track with the source, a track with the captions. */
function spec() {
  const texts = [...document.querySelectorAll("[name=caption]")].map(({ value }) => value);
  const captions = texts.map((text, index) => ({
    type: "caption",
    text,
    start: index * EACH_S,
    duration: EACH_S,
  }));
  return {
    composition_id: "timeline",
    supersede_key: "editor", // a newer version cancels the one that is being rendered
    input_props: {
      width: 1280,
      height: 720,
      duration: texts.length * EACH_S,
      tracks: [{ clips: [clip] }, { clips: captions.filter(({ text }) => text.trim()) }],
    },
    output_settings: { preset: "ultrafast", width: 640 },
  };
}

async function render() {
  const mine = ++newest;
  const began = performance.now();
  say("Rendering");
  try {
    const { id, cache } = await client.render(projectId, spec(), {
      onProgress: ({ percent }) => mine === newest && (element("progress").value = percent),
    });
    if (mine !== newest) return;
    const { url } = await client.outputUrl(projectId, id);
    show(url);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`Rendered in ${seconds} s: ${cache.reused} of ${cache.segments} segments were there already.`);
  } catch (problem) {
    if (mine === newest) say(problem.message);
  }
}

/** Put the film in the place of the one before, at the same moment. */
function show(url) {
  const film = element("film");
  const at = film.currentTime;
  film.src = url;
  film.addEventListener("loadedmetadata", () => (film.currentTime = at), {
    once: true,
  });
  element("preview").hidden = true;
}

function say(text) {
  element("status").textContent = text;
}

element("file").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  try {
    const { id } = await client.upload(projectId, file, {
      onProgress: (sent, total) => say(`Uploading: ${Math.round((100 * sent) / total)} %`),
    });
    const { type } = await client.readyAsset(projectId, id);
    clip = {
      type,
      src: `asset://${id}`,
      fit: "cover",
      duration: "end",
      ...(type === "video" && { loop: true }),
    };
    await render();
  } catch (problem) {
    say(problem.message);
  }
});

element("captions").addEventListener("submit", (event) => event.preventDefault());
element("captions").addEventListener("input", ({ target }) => {
  if (target.name !== "caption" || !clip) return;
  clearTimeout(changing);
  changing = setTimeout(render, PAUSE_MS);
});

// the room tells of everything in the project: here it brings the pictures of what is being encoded
client.room(projectId, { filter: { types: ["preview"], max_hz: 4 } }).on("render.preview", ({ data }) => {
  const preview = element("preview");
  preview.src = `data:${data.content_type};base64,${data.base64}`;
  preview.hidden = false;
});
