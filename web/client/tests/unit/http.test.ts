import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Credentials } from "../../src/credentials.js";
import { Http } from "../../src/http.js";
import { Problem } from "../../src/problem.js";

type Reply = Response | Error;
const problem = (status: number, code: string, headers = {}) =>
  new Response(JSON.stringify({ status, code, detail: "no", title: "No" }), { status, headers });

/** An API that answers one thing after the other. */
function api(replies: Reply[], token: ConstructorParameters<typeof Credentials>[0] = "key") {
  const sent: { url: string; authorization: string | null; credentials: RequestCredentials | undefined }[] = [];
  const fetcher = (async (url: string, init: RequestInit) => {
    sent.push({ url, authorization: new Headers(init.headers).get("authorization"), credentials: init.credentials });
    const reply = replies.shift();
    if (reply instanceof Error || reply === undefined) throw reply ?? new Error("one request too many");
    return reply;
  }) as typeof fetch;
  return { http: new Http("http://api.example/", new Credentials(token), fetcher), sent };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The outcome, with all pauses passed. */
async function done<Value>(promise: Promise<Value>): Promise<Value | unknown> {
  const outcome = promise.catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  return outcome;
}

describe("a request", () => {
  test("carries the key in a header, and no cookie", async () => {
    const { http, sent } = api([Response.json({ ok: true })]);
    expect(await done(http.call("GET", "/me", { query: [["a", "b c"]] }))).toEqual({ ok: true });
    expect(sent).toEqual([{ url: "http://api.example/me?a=b+c", authorization: "Bearer key", credentials: "omit" }]);
  });

  test("without a token leaves it to the page's cookie", async () => {
    const { http, sent } = api([Response.json({})], null);
    await done(http.call("GET", "/me"));
    expect(sent[0]).toMatchObject({ authorization: null, credentials: "same-origin" });
  });

  test("that is refused raises what the server said", async () => {
    const body = {
      status: 422,
      code: "validation_failed",
      detail: "no",
      errors: [{ path: "/a", message: "is missing" }],
    };
    const { http } = api([Response.json(body, { status: 422 })]);
    const error = await done(http.call("POST", "/x", { body: {} }));
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({
      status: 422,
      code: "validation_failed",
      message: "validation_failed: no\n  /a: is missing",
    });
  });

  test("answered with a proxy's page raises a problem too", async () => {
    const { http } = api([new Response("<h1>Forbidden</h1>", { status: 403 })]);
    expect(await done(http.call("GET", "/x"))).toMatchObject({
      status: 403,
      code: "unknown",
      detail: "<h1>Forbidden</h1>",
    });
  });

  test("is made again where that is safe: when it is repeatable, or was refused before it was done", async () => {
    const tried = async (method: string, first: Reply, repeatable?: boolean) => {
      const { http, sent } = api([first, Response.json({})]);
      await done(http.call(method, "/x", repeatable === undefined ? {} : { repeatable }));
      return sent.length;
    };
    expect(await tried("GET", new TypeError("fetch failed"))).toBe(2);
    expect(await tried("GET", problem(502, "unknown"))).toBe(2);
    expect(await tried("POST", new TypeError("fetch failed"))).toBe(1);
    expect(await tried("POST", problem(502, "unknown"))).toBe(1);
    expect(await tried("POST", new TypeError("fetch failed"), true)).toBe(2);
    expect(await tried("POST", problem(503, "unavailable", { "retry-after": "2" }))).toBe(2);
    expect(await tried("POST", problem(429, "rate_limited", { "retry-after": "600" }))).toBe(1);
    expect(await tried("GET", problem(404, "not_found"))).toBe(1);
  });

  test("gives up after four tries", async () => {
    const { http, sent } = api(Array.from({ length: 9 }, () => problem(503, "unavailable")));
    expect(await done(http.call("GET", "/x"))).toMatchObject({ status: 503 });
    expect(sent).toHaveLength(4);
  });
});

test("in a page the API may be named without its host", () => {
  vi.stubGlobal("location", { origin: "https://render.example" });
  const baseUrls = ["", "/", "/api/", "http://other.example/"].map(
    (url) => new Http(url, new Credentials(null), fetch).baseUrl,
  );
  vi.unstubAllGlobals();
  const own = "https://render.example";
  expect(baseUrls).toEqual([own, own, `${own}/api`, "http://other.example"]);
});

describe("a token", () => {
  test("is asked for once, and anew when it was refused", async () => {
    let asked = 0;
    const { http, sent } = api(
      [Response.json({}), problem(401, "unauthenticated"), Response.json({})],
      () => `t${++asked}`,
    );
    await done(http.call("POST", "/x"));
    await done(http.call("POST", "/x"));
    expect(sent.map(({ authorization }) => authorization)).toEqual(["Bearer t1", "Bearer t1", "Bearer t2"]);
  });

  test("is refused for good the second time, and at once where there is no other", async () => {
    const refusals = () => [problem(401, "unauthenticated"), problem(401, "unauthenticated")];
    const provided = api(refusals(), () => "t");
    expect(await done(provided.http.call("GET", "/x"))).toMatchObject({ status: 401 });
    const fixed = api(refusals());
    expect(await done(fixed.http.call("GET", "/x"))).toMatchObject({ status: 401 });
    expect([provided.sent.length, fixed.sent.length]).toEqual([2, 1]);
  });

  test("is fetched once for requests at the same time", async () => {
    let asked = 0;
    const credentials = new Credentials(async () => `t${++asked}`);
    expect(await Promise.all([credentials.token(), credentials.token()])).toEqual(["t1", "t1"]);
    expect(await Promise.all([credentials.replace("t1"), credentials.replace("t1")])).toEqual(["t2", "t2"]);
  });

  test("that could not be fetched is asked for again", async () => {
    let asked = 0;
    const credentials = new Credentials(() => (++asked === 1 ? Promise.reject(new Error("away")) : "t2"));
    await expect(credentials.token()).rejects.toThrow("away");
    expect(await credentials.token()).toBe("t2");
  });
});
