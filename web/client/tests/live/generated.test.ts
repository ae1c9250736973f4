import { expect, inject, test } from "vitest";
import { stale } from "../../scripts/generate.mjs";

test("the committed types are those of the server's documents (`make web-types` writes them)", async () => {
  expect(await stale(inject("url"))).toEqual([]);
});
