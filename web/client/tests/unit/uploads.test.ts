import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Credentials } from "../../src/credentials.js";
import { Http } from "../../src/http.js";
import { Problem } from "../../src/problem.js";
import { upload } from "../../src/uploads.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const FILE = new Blob(["aabb"]);
const ASSET = { id: "ast_1", name: "a", size_bytes: 4 };
const parts = (...numbers: number[]) => ({
  asset: ASSET,
  upload: {
    multipart: true,
    part_size_bytes: 1,
    parts: numbers.map((n) => ({ part_number: n, url: `http://s/${n}` })),
  },
});
const expired = () => Response.json({ status: 403, code: "url_expired" }, { status: 403 });

/** A server whose storage takes each of these parts once it has been refused so often, and signs what is left anew. */
function server(refusals: Record<number, number>) {
  const arrived: number[] = [];
  const asked: string[] = [];
  const fetcher = (async (url: string, init: RequestInit) => {
    if (init.body instanceof ReadableStream) for await (const _ of init.body);
    const { method } = init;
    const { host, pathname } = new URL(url);
    if (host === "s") {
      const n = Number(pathname.slice(1));
      refusals[n] = (refusals[n] ?? 0) - 1;
      if (refusals[n] >= 0) return expired();
      arrived.push(n);
      return new Response();
    }
    asked.push(`${method} ${pathname}`);
    if (pathname.endsWith("upload-complete")) return Response.json({ ...ASSET, status: "processing" });
    return Response.json(parts(...[1, 2, 3, 4].filter((n) => !arrived.includes(n))));
  }) as typeof fetch;
  return { http: new Http("http://api", new Credentials("key"), fetcher), arrived, asked };
}

test("URLs that end before the file is sent are signed anew", async () => {
  const { http, arrived, asked } = server({ 4: 1 });
  const asset = await upload(http, "prj_1", FILE, {});
  expect(asset.status).toBe("processing");
  expect([...arrived].sort()).toEqual([1, 2, 3, 4]);
  expect(asked).toEqual([
    "POST /projects/prj_1/assets/upload",
    "GET /projects/prj_1/assets/ast_1/upload",
    "POST /projects/prj_1/assets/ast_1/upload-complete",
  ]);
});

test("a storage that refuses what was just signed is not asked for ever", async () => {
  const { http } = server({ 4: 100 });
  await expect(upload(http, "prj_1", FILE, {})).rejects.toBeInstanceOf(Problem);
});
