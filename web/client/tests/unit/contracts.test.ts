import { expect, test } from "vitest";
import { read, stale } from "../../scripts/generate.mjs";
import { CLOSE_CODES } from "../../src/verdict.js";

interface CloseCode {
  readonly code: number;
  readonly client_does: string;
}

test(
  "the types are those of the contracts in docs/api (`make web-types` writes them)",
  { timeout: 30_000 },
  async () => {
    expect(await stale()).toEqual([]);
  },
);

test("every close code of the server's is known, and ends the room where the server says so", async () => {
  const told: CloseCode[] = (await read("asyncapi.json")).channels.room["x-close-codes"];
  const codes = (list: Iterable<number>) => [...list].sort();
  expect(codes(CLOSE_CODES.keys())).toEqual(codes(told.map(({ code }) => code)));
  const stops = told.filter(({ client_does }) => client_does === "stop").map(({ code }) => code);
  expect(codes([...CLOSE_CODES].filter(([, verdict]) => verdict === "stop").map(([code]) => code))).toEqual(
    codes(stops),
  );
});
