/** What is tried against a real server, in Node and in a browser alike: plain values in, plain values out. */

import {
  Client,
  Problem,
  RenderCancelled,
  type ClientOptions,
  type Room,
  type RoomMessage,
  type Transport,
} from "../../src/index.js";

export interface World {
  readonly url: string;
  readonly key: string;
  /** The same server behind the proxy. */
  readonly proxied: string;
  readonly options: ClientOptions;
  /** Let the network do something. */
  readonly control: (
    what: "cut" | "deploy" | "count" | "no sockets" | "no streams" | "hold streams" | "all",
  ) => Promise<unknown>;
}

const SECONDS = (duration: number, fps = 25) => ({
  composition_id: "timeline",
  input_props: { tracks: [{ clips: [{ type: "color", color: "#204060", start: 0, duration }] }] },
  output_settings: { fps, output_name: "blue.mp4" },
});
/** Impatient where the network is spoilt on purpose. */
const TIMING = { openMs: { socket: 10_000, sse: 1_500, poll: 10_000 }, climbMs: [300, 1_000] as const, refreshMs: 500 };

async function project(world: World, url = world.url) {
  const client = new Client(url, world.key, { ...world.options, timing: TIMING });
  return { client, id: (await client.createProject("Trial")).id };
}

/** Hear of the room until `enough`; all durable messages' places come with it. */
async function hear(room: Room, enough: (message: RoomMessage) => boolean | Promise<boolean>) {
  const seqs: number[] = [];
  const types: string[] = [];
  const transports: Transport[] = [];
  for await (const message of room) {
    if ("seq" in message) seqs.push(message.seq);
    types.push(message.type);
    if (transports.at(-1) !== room.transport) transports.push(room.transport);
    if (await enough(message)) break;
  }
  return { seqs, types, transports };
}

async function refusal(promise: Promise<unknown>) {
  try {
    await promise;
    return null;
  } catch (error) {
    if (error instanceof Problem) return { status: error.status, code: error.code, errors: error.errors.length };
    return { name: (error as Error).name, message: (error as Error).message };
  }
}

export const scenarios = {
  async "a render followed to its end"(world: World) {
    const { client, id } = await project(world);
    const percents: number[] = [];
    const render = await client.render(id, SECONDS(2), { onProgress: (progress) => percents.push(progress.percent) });
    const file = await (await client.download(id, render.id)).blob();
    return { status: render.status, percents, size: file.size, announced: render.output?.outputs[0]?.size_bytes };
  },

  async "a socket cut in the middle"(world: World) {
    const { client, id } = await project(world, world.proxied);
    const room = client.room(id);
    const { render_id } = await room.create(SECONDS(8));
    let cuts = 0;
    const heard = await hear(room, async (message) => {
      if (message.type === "render.started" && cuts === 0) cuts = (await world.control("cut")) as number;
      return message.type === "render.completed";
    });
    return { ...heard, cuts, status: (await client.getRender(id, render_id)).status };
  },

  async "a deployment in the middle"(world: World) {
    const { client, id } = await project(world);
    const room = client.room(id, { transports: ["socket"] });
    const statuses: string[] = [];
    room.on("status", ({ status }) => void (statuses.at(-1) !== status && statuses.push(status)));
    await room.create(SECONDS(8));
    let deployed = false;
    const heard = await hear(room, async (message) => {
      if (message.type === "render.started" && !deployed) {
        deployed = true;
        await world.control("deploy");
      }
      return message.type === "render.completed";
    });
    return { ...heard, statuses: statuses.filter((status) => status !== "closed") };
  },

  /** In a page only: Node does not hear of networks. */
  async "another network"(world: World) {
    const { client, id } = await project(world, world.proxied);
    const room = client.room(id, { transports: ["socket"] });
    const statuses: string[] = [];
    const opened = new Promise<number>((resolve) =>
      room.on("status", async ({ status }) => {
        statuses.push(status);
        if (status !== "live") return;
        const before = (await world.control("count")) as number;
        dispatchEvent(new Event("online"));
        let now = before;
        while (now === before) now = (await world.control("count")) as number;
        resolve(now - before);
      }),
    );
    const heard = hear(room, (message) => message.type === "render.completed");
    const sockets = await opened;
    await room.create(SECONDS(1));
    return { ...(await heard), sockets, statuses: statuses.filter((status) => status !== "closed") };
  },

  async "no socket gets through"(world: World, what: "no sockets" | "no streams" | "hold streams") {
    await world.control(what);
    const { client, id } = await project(world, world.proxied);
    const room = client.room(id);
    const heard = hear(room, (message) => message.type === "render.completed");
    const ack = await room.create(SECONDS(1), { ref: "the only one" });
    const again = await room.create(SECONDS(1), { ref: "the only one" });
    return { ...(await heard), same: ack.render_id === again.render_id, deduplicated: again.deduplicated };
  },

  async "back on the socket"(world: World, what: "no sockets" | "no streams") {
    await world.control(what);
    const { client, id } = await project(world, world.proxied);
    const room = client.room(id);
    let [submitted, opened] = [0, false];
    const heard = await hear(room, async (message) => {
      if ("seq" in message && submitted < 4 && message.type !== "render.started") {
        submitted += 1;
        await client.createRender(id, SECONDS(1));
      }
      if (submitted === 2 && !opened) {
        opened = true;
        await world.control("all");
        await new Promise<void>((resolve) => {
          const off = room.on("status", ({ status, transport }) => {
            if (status !== "live" || transport !== "socket") return;
            off();
            resolve();
          });
        });
      }
      return submitted === 4 && room.transport === "socket" && message.type === "render.completed";
    });
    return heard;
  },

  async "a refused token is replaced"(world: World) {
    const { client: owner, id } = await project(world);
    const given: string[] = [];
    const source = async () => {
      const token = given.length === 0 ? "not.a.token" : (await owner.mintToken(id, ["read", "write"], 3600)).token;
      given.push(token);
      return token;
    };
    const room = new Client(world.url, source, { ...world.options, timing: TIMING }).room(id);
    const heard = await hear(room, () => true);
    return { ...heard, asked: given.length };
  },

  async "a token that ends soon is refreshed in time"(world: World) {
    const { client: owner, id } = await project(world);
    let asked = 0;
    const source = async () => {
      asked += 1;
      return (await owner.mintToken(id, ["read", "write"], 20)).token;
    };
    const room = new Client(world.url, source, { ...world.options, timing: TIMING }).room(id, {
      transports: ["socket"],
    });
    const statuses: string[] = [];
    room.on("status", ({ status }) => statuses.push(status));
    const heard = hear(room, (message) => message.type === "render.queued");
    while (asked < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    await room.create(SECONDS(1));
    return { ...(await heard), statuses };
  },

  async "a token that cannot be replaced"(world: World) {
    const { id } = await project(world);
    const bad = () => new Client(world.url, "ro_live_nobody", { ...world.options, timing: TIMING });
    const transports: Transport[] =
      world.options.WebSocket === undefined && !("WebSocket" in globalThis)
        ? ["sse", "poll"]
        : ["socket", "sse", "poll"];
    return Promise.all(
      transports.map((transport) => refusal(hear(bad().room(id, { transports: [transport] }), () => false))),
    );
  },

  async "a ticket"(world: World) {
    const { id } = await project(world);
    const client = new Client(world.url, world.key, { ...world.options, socketAuth: "ticket" });
    return hear(client.room(id, { transports: ["socket"] }), () => true);
  },

  async "cancelled and refused commands"(world: World) {
    const { client, id } = await project(world);
    const room = client.room(id);
    const { render_id } = await room.create(SECONDS(120, 60));
    const ack = await room.cancel(render_id);
    return {
      status: ack.status,
      again: await refusal(room.cancel(render_id)),
      unknown: await refusal(room.retry("rnd_nobody")),
      invalid: await refusal(room.create({ composition_id: "timeline", input_props: { tracks: [] } })),
    };
  },

  async "a spec too large for a frame"(world: World) {
    const { client, id } = await project(world);
    const room = client.room(id);
    const metadata = { note: "x".repeat(15_000) };
    const clips = Array.from({ length: 900 }, (_, n) => ({
      type: "color",
      color: "#204060",
      start: n * 0.04,
      duration: 0.04,
    }));
    const ack = await room.create({ composition_id: "timeline", input_props: { tracks: [{ clips }] }, metadata });
    await room.cancel(ack.render_id).catch(() => undefined);
    return { status: ack.status, bytes: JSON.stringify(clips).length };
  },

  async "an aborted render"(world: World) {
    const { client, id } = await project(world);
    const stop = new AbortController();
    const seen: string[] = [];
    const followed = client.render(id, SECONDS(120, 60), {
      signal: stop.signal,
      onMessage(message) {
        if (message.type === "snapshot" && message.renders[0] !== undefined) seen.push(message.renders[0].id);
        stop.abort(new Error("enough"));
      },
    });
    const refused = await refusal(followed);
    const ended = await client.follow(id, seen[0] ?? "").catch((error: unknown) => error);
    return { refused, cancelled: ended instanceof RenderCancelled };
  },

  async uploads(world: World) {
    const { client, id } = await project(world);
    const sizes = [200_000, 13 * 1024 ** 2];
    const done: { status: string; last: number[]; grows: boolean; refused: unknown }[] = [];
    for (const size of sizes) {
      const told: number[][] = [];
      const file = new Blob([new Uint8Array(size).fill(7)], { type: "video/mp4" });
      const onProgress = (sent: number, total: number) => void told.push([sent, total]);
      const asset = await client.upload(id, file, { name: "noise.mp4", onProgress });
      const grows = told.every(([sent], index) => index === 0 || sent! >= told[index - 1]![0]!);
      const refused = await refusal(client.readyAsset(id, asset.id));
      done.push({ status: asset.status, last: told.at(-1) ?? [], grows, refused });
    }
    return done;
  },

  /** Five parts, four at a time: once the fifth is on its way, one has arrived; a browser may tell so when all have. */
  async "an upload that broke off"(world: World) {
    const { client, id } = await project(world);
    const part = 16 * 1024 ** 2;
    const file = new Blob([new Uint8Array(5 * part).fill(7)], { type: "video/mp4" });
    const stop = new AbortController();
    const announced: string[] = [];
    const broken = await refusal(
      client.upload(id, file, {
        name: "noise.mp4",
        signal: stop.signal,
        onAnnounced: (asset) => void announced.push(asset.id),
        onProgress: (sent) => sent > 4 * part && stop.abort(new Error("the page was closed")),
      }),
    );
    const [assetId = ""] = announced;
    const other = await refusal(client.resumeUpload(id, assetId, new Blob(["another file"])));
    const told: number[] = [];
    const asset = await client.resumeUpload(id, assetId, file, { onProgress: (sent) => void told.push(sent) });
    return { broken, other, asset, assetId, first: told[0] ?? 0, last: told.at(-1), partBytes: part };
  },

  async refusals(world: World) {
    const { client, id } = await project(world);
    const other = new Client(world.url, world.key, { ...world.options, timing: TIMING });
    return {
      noProject: await refusal(client.createRender("prj_nobody", SECONDS(1))),
      noRoom: await refusal(hear(other.room("prj_nobody"), () => false)),
      invalid: await refusal(client.createRender(id, { composition_id: "timeline", input_props: { tracks: [{}] } })),
      noRender: await refusal(client.follow(id, "rnd_nobody")),
    };
  },
};

export type ScenarioName = keyof typeof scenarios;
