/** Where in a JSON document a position is, though the document is not finished. */

import { syntaxTree } from "@codemirror/language";
import type { EditorState, Text } from "@codemirror/state";
import type { SyntaxNode } from "@lezer/common";
import type { Step } from "./schema.js";

export interface Place {
  readonly path: readonly Step[];
  /** Whether a property's name or a value belongs there. */
  readonly wants: "name" | "value";
  /** What is there already, quotes included. */
  readonly from: number;
  readonly to: number;
}

export function placeAt(state: EditorState, position: number): Place {
  const node = syntaxTree(state).resolveInner(position, -1);
  const isWord = ["PropertyName", "String", "Number", "True", "False", "Null"].includes(node.name);
  const [from, to] = isWord ? [node.from, node.to] : [position, position];
  const path = pathOf(node, state.doc);
  if (node.name === "PropertyName") return { path: path.slice(0, -1), wants: "name", from, to };
  if (node.name === "Object" || node.name === "{") return { path, wants: "name", from, to };
  return { path, wants: node.name === "Property" || isWord || node.name !== "⚠" ? "value" : "name", from, to };
}

/** The steps from the document down to a node. */
function pathOf(node: SyntaxNode, text: Text): Step[] {
  const path: Step[] = [];
  for (let here: SyntaxNode | null = node; here !== null; here = here.parent) {
    if (here.name === "Property") path.unshift(nameOf(here, text));
    if (here.parent?.name === "Array" && isValue(here)) path.unshift(indexOf(here));
  }
  return path;
}

const isValue = ({ name }: SyntaxNode) => !["[", "]", ",", "⚠"].includes(name);

function indexOf(node: SyntaxNode): number {
  let index = 0;
  for (let before = node.prevSibling; before !== null; before = before.prevSibling) if (isValue(before)) index += 1;
  return index;
}

function nameOf(property: SyntaxNode, text: Text): string {
  const name = property.getChild("PropertyName");
  return name === null ? "" : unquoted(text.sliceString(name.from, name.to));
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.replaceAll('"', "");
  }
}

/** Where the value at a JSON pointer stands; the nearest thing around it that is there. */
export function rangeOf(state: EditorState, pointer: string): { from: number; to: number } {
  const steps = pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  let node = syntaxTree(state).topNode.firstChild;
  let found = { from: 0, to: Math.min(1, state.doc.length) };
  for (const step of steps) {
    const property = node?.getChildren("Property").find((one) => nameOf(one, state.doc) === step);
    const name = property?.getChild("PropertyName");
    const child: SyntaxNode | null | undefined =
      node?.name === "Array" ? elementsOf(node)[Number(step)] : property?.lastChild;
    if (child == null) break;
    node = child;
    found = name != null && isLarge(child) ? { from: name.from, to: name.to } : { from: child.from, to: child.to };
    if (name == null && isLarge(child)) found = { from: child.from, to: child.from + 1 };
  }
  return found;
}

/** Of what takes many lines only its name or its beginning is marked. */
const isLarge = ({ name }: SyntaxNode) => name === "Object" || name === "Array";

function elementsOf(array: SyntaxNode): SyntaxNode[] {
  const elements: SyntaxNode[] = [];
  for (let child = array.firstChild; child !== null; child = child.nextSibling)
    if (isValue(child)) elements.push(child);
  return elements;
}
