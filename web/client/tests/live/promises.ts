/** What the client promises wherever it runs, as tests. */

import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { deploy } from "./processes.js";
import { Proxy } from "./proxy.js";
import type { scenarios, ScenarioName, World } from "./scenarios.js";

type Result<Name extends ScenarioName> = Awaited<ReturnType<(typeof scenarios)[Name]>>;
/** Runs a scenario where the client is to be tried. */
export type Run = <Name extends ScenarioName>(
  name: Name,
  world: Omit<World, "options" | "control">,
  control: World["control"],
  argument?: string,
) => Promise<Result<Name>>;

export function keepsItsPromises(run: Run, where: "a page" | "a program"): void {
  let proxy: Proxy;
  let world: { url: string; key: string; proxied: string };
  const control: World["control"] = (what) => {
    const { network } = proxy;
    if (what === "cut") return Promise.resolve(proxy.cut());
    if (what === "count") return Promise.resolve(proxy.sockets);
    if (what === "deploy") return deploy(inject("pid"));
    network.sockets = what === "all" ? "pass" : "refuse";
    network.streams = what === "no streams" ? "refuse" : what === "hold streams" ? "hold" : "pass";
    return Promise.resolve();
  };
  const tried = <Name extends ScenarioName>(name: Name, argument?: string) => run(name, world, control, argument);

  beforeAll(async () => {
    proxy = new Proxy(inject("url"));
    world = { url: inject("url"), key: inject("key"), proxied: await proxy.start() };
  });
  beforeEach(() => void control("all"));
  afterAll(() => proxy.stop());

  test("a render is followed to its file, its progress never goes back", async () => {
    const { status, percents, size, announced } = await tried("a render followed to its end");
    expect(status).toBe("completed");
    expect(percents).toEqual([...percents].sort((one, other) => one - other));
    expect(percents.at(-1)).toBe(100);
    expect(size).toBe(announced);
  });

  test("a socket that is cut in the middle costs no event and repeats none", async () => {
    const { seqs, types, cuts, status } = await tried("a socket cut in the middle");
    expect(cuts).toBe(1);
    expect(seqs).toEqual(consecutive(seqs));
    expect(types.filter((type) => type !== "render.progress").slice(-2)).toEqual([
      "render.started",
      "render.completed",
    ]);
    expect(status).toBe("completed");
  });

  test("a deployment in the middle costs no event and repeats none", async () => {
    const { seqs, types, statuses } = await tried("a deployment in the middle");
    expect(statuses.slice(0, 3)).toEqual(["connecting", "live", "waiting"]);
    expect(statuses.at(-1)).toBe("live");
    expect(seqs).toEqual(consecutive(seqs));
    expect(types.at(-1)).toBe("render.completed");
  });

  if (where === "a page") {
    test("another network is met with another socket beside the old one", async () => {
      const { statuses, seqs, sockets } = await tried("another network");
      expect([statuses, sockets]).toEqual([["connecting", "live"], 1]);
      expect(seqs).toEqual(consecutive(seqs));
    });
  }

  test.each([
    ["no sockets", "sse"],
    ["no streams", "poll"],
    ["hold streams", "poll"],
  ] as const)(
    "with %s the room is heard over %s, commands go over HTTP and keep their name",
    async (what, transport) => {
      const heard = await tried("no socket gets through", what);
      expect(heard.transports.at(-1)).toBe(transport);
      expect(heard.seqs).toEqual(consecutive(heard.seqs));
      expect(heard.types.filter((type) => type === "render.completed")).toHaveLength(1);
      expect([heard.same, heard.deduplicated]).toEqual([true, true]);
    },
  );

  test.each(["no sockets", "no streams"] as const)(
    "from %s it goes back to the socket when that is let through",
    async (what) => {
      const { seqs, transports } = await tried("back on the socket", what);
      expect(transports[0]).toBe(what === "no sockets" ? "sse" : "poll");
      expect(transports.at(-1)).toBe("socket");
      expect(seqs).toEqual(consecutive(seqs));
    },
  );

  test("a refused token is replaced by another", async () => {
    const { types, asked } = await tried("a refused token is replaced");
    expect([types, asked]).toEqual([["snapshot"], 2]);
  });

  test("a token that ends soon is refreshed on the same connection", async () => {
    const { statuses, seqs } = await tried("a token that ends soon is refreshed in time");
    expect(statuses.filter((status) => status !== "closed")).toEqual(["connecting", "live"]);
    expect(seqs).toEqual(consecutive(seqs));
  });

  test("a token that cannot be replaced ends the room on every transport", async () => {
    const refused = await tried("a token that cannot be replaced");
    expect(refused.length).toBeGreaterThanOrEqual(2);
    for (const one of refused) expect(one).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  test("a one-time ticket opens a socket", async () => {
    expect((await tried("a ticket")).types).toEqual(["snapshot"]);
  });

  test("commands are answered, and refusals say what is wrong", async () => {
    const { status, again, unknown, invalid } = await tried("cancelled and refused commands");
    expect(status).toBe("cancelled");
    expect(again).toMatchObject({ code: "conflict" });
    expect(unknown).toMatchObject({ code: "not_found" });
    expect(invalid).toMatchObject({ code: "validation_failed" });
    expect(invalid).toHaveProperty(
      "errors",
      expect.toSatisfy((count: number) => count > 0),
    );
  });

  test("a spec that is too large for a frame is submitted all the same", async () => {
    const { status, bytes } = await tried("a spec too large for a frame");
    expect(bytes).toBeGreaterThan(50_000);
    expect(status).toBe("queued");
  });

  test("aborting cancels the render", async () => {
    const { refused, cancelled } = await tried("an aborted render");
    expect(refused).toMatchObject({ message: "enough" });
    expect(cancelled).toBe(true);
  });

  test("files are sent whole or in parts, with progress", async () => {
    const done = await tried("uploads");
    expect(done.map(({ last }) => last)).toEqual([
      [200_000, 200_000],
      [13 * 1024 ** 2, 13 * 1024 ** 2],
    ]);
    for (const { status, grows, refused } of done) {
      expect([status, grows]).toEqual(["processing", true]);
      expect(refused).toMatchObject({ status: 422 });
    }
  });

  test("an upload that broke off goes on with what has not arrived", async () => {
    const { broken, other, asset, assetId, first, last, partBytes } = await tried("an upload that broke off");
    expect(broken).toMatchObject({ message: "the page was closed" });
    expect(other).toMatchObject({ name: "TypeError" });
    expect(asset).toMatchObject({ id: assetId, status: "processing", size_bytes: 5 * partBytes });
    expect(first).toBeGreaterThanOrEqual(partBytes);
    expect(last).toBe(5 * partBytes);
  });

  test("refusals are problems with the server's code", async () => {
    const { noProject, noRoom, invalid, noRender } = await tried("refusals");
    expect(noProject).toMatchObject({ status: 404, code: "not_found" });
    expect(noRoom).toMatchObject({ status: 404, code: "not_found" });
    expect(invalid).toMatchObject({ status: 422, code: "validation_failed" });
    expect(noRender).toMatchObject({ status: 404, code: "not_found" });
  });
}

/** The same numbers without a hole, from the first on. */
function consecutive(seqs: readonly number[]): number[] {
  return seqs.map((_, index) => (seqs[0] ?? 0) + index);
}
