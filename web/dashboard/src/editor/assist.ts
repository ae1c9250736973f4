/** What the schema offers while one types: names, values, and what a field is when one points at it. */

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { hoverTooltip } from "@codemirror/view";
import { looseParse } from "./looseParse.js";
import { placeAt, type Place } from "./place.js";
import { schemasAt, wordsOf, type Schema } from "./schema.js";

export function complete(schema: Schema) {
  return (context: CompletionContext): CompletionResult | null => {
    const place = placeAt(context.state, context.pos);
    if (!context.explicit && place.from === place.to) return null;
    const document = looseParse(context.state.doc.toString());
    const options = place.wants === "name" ? namesAt(schema, document, place) : valuesAt(schema, document, place);
    return options.length === 0 ? null : { from: place.from, to: place.to, options, validFor: /^"?[\w.-]*"?$/ };
  };
}

function namesAt(schema: Schema, document: unknown, { path }: Place): Completion[] {
  const options = new Map<string, Completion>();
  const there = valueAt(document, path);
  const taken = typeof there === "object" && there !== null ? Object.keys(there) : [];
  for (const found of schemasAt(schema, document, path)) {
    for (const [name, property] of Object.entries(found.properties ?? {})) {
      if (taken.includes(name)) continue;
      const must = found.required?.includes(name) === true;
      const [kind = property] = schemasAt(schema, document, [...path, name]);
      options.set(name, {
        label: `"${name}"`,
        type: "property",
        detail: must ? "required" : wordsOf(kind),
        info: kind.description ?? property.description ?? "",
        boost: must ? 2 : 0,
        apply: `"${name}": `,
      });
    }
  }
  return [...options.values()];
}

function valuesAt(schema: Schema, document: unknown, { path }: Place): Completion[] {
  const options = new Map<string, Completion>();
  for (const found of alternativesAt(schema, document, path)) {
    const { type, enum: allowed = type === "boolean" ? [true, false] : [] } = found;
    const values = [...allowed, ...(found.default === undefined ? [] : [found.default])];
    for (const value of values) {
      const label = JSON.stringify(value);
      if (label.length < 60) options.set(label, { label, type: "enum", detail: found.title ?? "" });
    }
  }
  return [...options.values()];
}

/** As if nothing stood there yet: what is there is to become another. */
function alternativesAt(schema: Schema, document: unknown, path: Place["path"]): readonly Schema[] {
  const last = path.at(-1);
  if (typeof last !== "string") return schemasAt(schema, document, path);
  const parent = valueAt(document, path.slice(0, -1));
  const without = typeof parent === "object" && parent !== null ? (parent as Record<string, unknown>) : null;
  const kept = without?.[last];
  if (without !== null) without[last] = undefined;
  const found = schemasAt(schema, document, path);
  if (without !== null) without[last] = kept;
  return found;
}

function valueAt(document: unknown, path: Place["path"]): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<string, unknown> | null | undefined)?.[step], document);
}

/** What a field is, where one points at it. */
export function explain(schema: Schema) {
  return hoverTooltip((view, position) => {
    const place = placeAt(view.state, position);
    if (place.from === place.to) return null;
    const document = looseParse(view.state.doc.toString());
    const name = place.wants === "name" ? view.state.sliceDoc(place.from, place.to).replaceAll('"', "") : null;
    const found = schemasAt(schema, document, name === null ? place.path : [...place.path, name]);
    const texts = found.map((one) => [wordsOf(one), one.description].filter(Boolean).join(". ")).filter(Boolean);
    if (texts.length === 0) return null;
    const create = () => {
      const dom = globalThis.document.createElement("div");
      dom.className = "cm-explained";
      dom.textContent = [...new Set(texts)].slice(0, 4).join("\n");
      return { dom };
    };
    return { pos: place.from, end: place.to, above: true, create };
  });
}
