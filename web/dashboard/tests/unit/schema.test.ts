import { describe, expect, test } from "vitest";
import { looseParse } from "../../src/editor/looseParse.js";
import { schemasAt, type Schema } from "../../src/editor/schema.js";

const ROOT: Schema = {
  type: "object",
  properties: { clips: { type: "array", items: { anyOf: [{ $ref: "#/$defs/Text" }, { $ref: "#/$defs/Color" }] } } },
  $defs: {
    Text: { title: "Text", type: "object", properties: { type: { enum: ["text"] }, text: { type: "string" } } },
    Color: { title: "Color", type: "object", properties: { type: { enum: ["color"] }, color: { type: "string" } } },
  },
};

describe("what may stand at a place", () => {
  const titles = (document: unknown) => schemasAt(ROOT, document, ["clips", 0]).map(({ title }) => title);

  test("every alternative, while nothing tells them apart", () => {
    expect(titles({ clips: [{}] })).toEqual(["Text", "Color"]);
  });

  test("the one that the document names", () => {
    expect(titles({ clips: [{ type: "color" }] })).toEqual(["Color"]);
  });

  test("nothing where the schema knows of nothing", () => {
    expect(schemasAt(ROOT, {}, ["nowhere", 3])).toEqual([]);
  });
});

describe("JSON that is being typed", () => {
  test.each([
    ['{"a": 1, "b": [1, {"c": "d"', { a: 1, b: [1, { c: "d" }] }],
    ['{"a": , "b": tru', { a: null, b: null }],
    ['{"a": {"type": "col', { a: { type: "col" } }],
    ['{"a" "b": 2}', { b: 2 }],
    ["[1, 2,,]", [1, 2]],
    ["", null],
  ])("%s is read as far as it goes", (text, value) => {
    expect(looseParse(text)).toEqual(value);
  });
});
