import { expect, inject, test } from "vitest";
import { CLOSE_CODES } from "../../src/verdict.js";
import { stale } from "../../scripts/generate.mjs";

test("the committed types are those of the server's documents (`make web-types` writes them)", async () => {
  expect(await stale(inject("url"))).toEqual([]);
});

test("every close code of the server's is known, and treated as the server says", async () => {
  const { channels } = (await (await fetch(`${inject("url")}/asyncapi.json`)).json()) as {
    channels: { room: { "x-close-codes": { code: number; client_does: string; reconnect: boolean }[] } };
  };
  const told = channels.room["x-close-codes"];
  expect([...CLOSE_CODES.keys()].sort()).toEqual(told.map(({ code }) => code).sort());
  const stops = told.filter(({ client_does }) => client_does === "stop").map(({ code }) => code);
  expect([...CLOSE_CODES].filter(([, verdict]) => verdict === "stop").map(([code]) => code)).toEqual(stops);
});
