import type { RoomMessage } from "@renderowl/client";
import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, test } from "vitest";
import { previewKey, renderKey, rendersKey } from "../../src/queries.js";
import { hear } from "../../src/room/hear.js";
import type { Page, Render } from "../../src/types.js";

const LIST = [...rendersKey("prj_1"), "list"];
const NONE = { percent: 0, current_frame: 0, total_frames: 90, stage: "queued", fps: null, speed: null, eta_s: null };
const render = (id: string) => ({ id, project_id: "prj_1", status: "queued", attempt: 1, progress: NONE }) as Render;

let queries: QueryClient;
const listed = () => queries.getQueryData<{ pages: Page<Render>[] }>(LIST)?.pages[0]?.items ?? [];
const say = (message: object) => hear(queries, "prj_1", message as RoomMessage);

beforeEach(() => {
  queries = new QueryClient();
  const page: Page<Render> = { items: [render("rnd_1"), render("rnd_2")], next_cursor: null };
  queries.setQueryData(LIST, { pages: [page], pageParams: [null] });
  queries.setQueryData(renderKey("prj_1", "rnd_1"), render("rnd_1"));
});

describe("what a room says is seen at once", () => {
  test("progress, in the list and on the render's page, and nowhere else", () => {
    say({ type: "render.progress", render_id: "rnd_1", data: { ...NONE, percent: 45 } });
    expect(listed().map(({ progress }) => progress.percent)).toEqual([45, 0]);
    expect(queries.getQueryData<Render>(renderKey("prj_1", "rnd_1"))?.progress.percent).toBe(45);
  });

  test("a new status, and that there is more to ask for", () => {
    say({
      type: "render.completed",
      seq: 3,
      render_id: "rnd_2",
      attempt: 1,
      data: { status: "completed", progress: NONE },
    });
    expect(listed()[1]?.status).toBe("completed");
    expect(queries.getQueryState(LIST)?.isInvalidated).toBe(true);
  });

  test("a picture, which the next attempt begins without", () => {
    const data = { frame: 1, time_s: 0.04, base64: "/9j/", content_type: "image/jpeg" };
    say({ type: "render.preview", render_id: "rnd_1", data });
    expect(queries.getQueryData(previewKey("rnd_1"))).toEqual({ url: "data:image/jpeg;base64,/9j/", timeS: 0.04 });
    say({ type: "render.queued", seq: 4, render_id: "rnd_1", attempt: 2, data: { status: "queued", progress: NONE } });
    expect(queries.getQueryData(previewKey("rnd_1"))).toBeUndefined();
  });

  test("a snapshot, though nothing tells how it came to that", () => {
    say({ type: "snapshot", seq: 9, more: false, renders: [{ ...render("rnd_2"), status: "processing", attempt: 2 }] });
    expect(listed()[1]).toMatchObject({ status: "processing", attempt: 2 });
  });

  test("words this page does not know are passed over", () => {
    expect(() => say({ type: "render.dreaming", seq: 5, render_id: "rnd_1" })).not.toThrow();
  });
});
