import { describe, expect, test } from "vitest";
import { Model } from "./room-model.js";

/** Wait for the next connection. */
function wait(model: Model): Model {
  model.pass(model.machine.due - model.now);
  return model;
}

describe("a connection that was opened before history went back", () => {
  /** In the room by server-sent events at 2, behind a history that was restored to 1; a socket tried since 3. */
  function goneBack(): Model {
    const model = new Model();
    model.lose(model.only.id, { kind: "impassable" });
    wait(model).settle();
    for (let events = 0; events < 3; events++) model.publish();
    model.settle();
    model.restore(1);
    wait(model).pump();
    model.do(model.machine.nudge("attention", model.now));
    expect([...model.sessions.values()].map(({ since }) => since?.seq)).toEqual([3, 3]);
    for (let events = 0; events < 3; events++) model.publish();
    const [main] = model.sessions.values();
    while (main!.queue.length > 2) {
      const { message, at } = main!.queue.shift()!;
      model.do(model.machine.heard(main!.id, message, at, model.now));
    }
    expect(model.machine.cursor?.seq).toBe(2);
    return model;
  }

  const told = (model: Model) => model.told.map(({ cursor }) => cursor?.seq);

  test("is not moved to", () => {
    const model = goneBack();
    model.pump(1);
    model.pump(1); // it is welcome, while what it missed is on its way to the other one
    model.settle();
    expect(told(model)).toEqual([0, 1, 2, 3, 1, 2, 3, 4]);
    expect(model.only.transport).toBe("sse");
    wait(model).settle(); // until the next try
    expect(model.only.transport).toBe("socket");
  });

  test("does not take the place of one that is lost", () => {
    const model = goneBack();
    const [main] = model.sessions.values();
    model.lose(main!.id, { kind: "broken" });
    expect(model.sessions.size).toBe(0);
    wait(model).settle();
    expect(told(model)).toEqual([0, 1, 2, 3, 1, 2, 3, 4]);
  });
});
