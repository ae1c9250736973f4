import { CompletionContext } from "@codemirror/autocomplete";
import { json } from "@codemirror/lang-json";
import { EditorState } from "@codemirror/state";
import { describe, expect, test } from "vitest";
import { complete } from "../../src/editor/assist.js";
import { placeAt, rangeOf } from "../../src/editor/place.js";
import type { Schema } from "../../src/editor/schema.js";

const SCHEMA: Schema = {
  type: "object",
  properties: { clips: { type: "array", items: { anyOf: [{ $ref: "#/$defs/Text" }, { $ref: "#/$defs/Color" }] } } },
  $defs: {
    Text: { type: "object", properties: { type: { enum: ["text"] }, size: { type: "number", default: 48 } } },
    Color: {
      type: "object",
      properties: { type: { enum: ["color"] }, color: { type: "string" }, fit: { enum: ["cover", "contain"] } },
      required: ["color"],
    },
  },
};

/** A state and the place of `|` in the text. */
function typed(text: string): { state: EditorState; position: number } {
  const position = text.indexOf("|");
  return { state: EditorState.create({ doc: text.replace("|", ""), extensions: json() }), position };
}

function offered(text: string): string[] {
  const { state, position } = typed(text);
  return complete(SCHEMA)(new CompletionContext(state, position, true))?.options.map(({ label }) => label) ?? [];
}

describe("what is offered", () => {
  test.each([
    ['{"clips": [{"type": "color", |}]}', ['"color"', '"fit"']],
    ['{"clips": [{"type": "color", "f|"}]}', ['"color"', '"fit"']],
    ['{"clips": [{"type": "text", "|', ['"size"']],
    ['{"clips": [{"type": |}]}', ['"text"', '"color"']],
    ['{"clips": [{"type": "te|xt"}]}', ['"text"', '"color"']],
    ['{"clips": [{"type": "color", "fit": "c|"}]}', ['"cover"', '"contain"']],
    ['{"clips": [{"type": "text"}, {"type": "color", "fit": "|"}]}', ['"cover"', '"contain"']],
    ["{|}", ['"clips"']],
  ])("%s", (text, labels) => {
    expect(offered(text)).toEqual(labels);
  });
});

test("a place is known by its path", () => {
  const { state, position } = typed('{"a": [1, {"b": "c|"}]}');
  expect(placeAt(state, position)).toMatchObject({ path: ["a", 1, "b"], wants: "value" });
});

test.each([
  ["/a/1/b", '"c"'],
  ["/a/0", "1"],
  ["/a/1", "{"],
  ["/a", '"a"'],
  ["/a/1/missing", "{"],
  ["", "{"],
])("what %s points at is marked", (pointer, text) => {
  const { state } = typed('{"a": [1, {"b": "c"}]}');
  const { from, to } = rangeOf(state, pointer);
  expect(state.sliceDoc(from, to)).toBe(text);
});
