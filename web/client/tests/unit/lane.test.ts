import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCursor, parseCursor } from "../../src/cursor.js";
import { Lane } from "../../src/lane.js";

const at = (text: string) => parseCursor(text)!;

describe("a cursor", () => {
  test("is read as it is written", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9.]{1,12}$/), fc.nat(), (epoch, seq) => {
        expect(parseCursor(formatCursor({ epoch, seq }))).toEqual({ epoch, seq });
      }),
    );
  });

  test.each(["", ".", "e7", "e7.", ".5", "e7.-1", "e7.x", "e7. 5", "e7.1e3"])("is not %j", (text) => {
    expect(parseCursor(text)).toBeNull();
  });
});

describe("the lane", () => {
  test("takes an event once", () => {
    const lane = new Lane(at("e7.4"));
    expect(["e7.4", "e7.5", "e7.5", "e7.7", "e7.6"].map((place) => lane.admitEvent(at(place)))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
    expect(lane.cursor).toEqual(at("e7.7"));
  });

  test("takes no event of another epoch before its snapshot", () => {
    const lane = new Lane(at("e7.4"));
    expect(lane.admitEvent(at("e8.5"))).toBe(false);
    expect(lane.admitSnapshot(at("e8.5"), at("e7.4"))).toBe(true);
    expect(lane.admitEvent(at("e8.6"))).toBe(true);
  });

  test("takes a snapshot that is shorter than what it asked for: the server's history was replaced", () => {
    const lane = new Lane(at("e7.40"));
    expect(lane.admitSnapshot(at("e7.3"), at("e7.40"))).toBe(true);
    expect(lane.cursor).toEqual(at("e7.3"));
  });

  test("takes no snapshot that was overtaken while transports changed", () => {
    const lane = new Lane(at("e7.40"));
    lane.admitEvent(at("e7.41"));
    lane.admitEvent(at("e7.42"));
    expect(lane.admitSnapshot(at("e7.41"), at("e7.40"))).toBe(false);
    expect(lane.admitSnapshot(at("e7.41"), null)).toBe(false);
    expect(lane.cursor).toEqual(at("e7.42"));
  });

  test("is marked forwards only, within its epoch", () => {
    const lane = new Lane(at("e7.40"));
    for (const place of ["e7.39", "e8.99", "e7.45", "e7.44"]) lane.mark(at(place));
    expect(lane.cursor).toEqual(at("e7.45"));
  });
});
