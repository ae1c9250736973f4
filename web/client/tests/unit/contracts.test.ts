import { expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { read, stale } from "../../scripts/generate.mjs";
import { COMMANDS_PER_S } from "../../src/commands.js";
import { MOST_WAITING } from "../../src/room.js";
import { TIMING } from "../../src/timing.js";
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

/** What docs/clients.md says of every client. */
test.each([
  ["breaks twice in a row within 30 s", TIMING.stableMs === 30_000],
  ["nothing arrives within 5 s", TIMING.openMs.sse === 5_000],
  [
    "tried after 10 s, then after twice as long each time, at most every 5 minutes",
    `${TIMING.climbMs}` === "10000,300000",
  ],
  ["Nothing heard for 40 s", TIMING.silenceMs === 40_000],
  ["reconnects within 5 s", TIMING.lookMs === 5_000],
  ["0.1 s, doubled each time up to 10 s", `${TIMING.backoffMs}` === "100,10000"],
  ["a connection that lasted 10 s starts it anew", TIMING.restedMs === 10_000],
  ["waits 0 to 5 s", TIMING.deployMs === 5_000],
  ["on the same connection, at most every 5 s", TIMING.refreshMs === 5_000],
  ["at most 15 a second", COMMANDS_PER_S === 15],
  ["Above 1,000 waiting messages", MOST_WAITING === 1_000],
])("docs/clients.md: %s", (figure, holds) => {
  const page = readFileSync(new URL("../../../../docs/clients.md", import.meta.url), "utf8").replaceAll(/\s+/g, " ");
  expect(page).toContain(figure);
  expect(holds).toBe(true);
});
