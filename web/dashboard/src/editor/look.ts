/** How the editor looks, in the colours of the page around it. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const surface = { backgroundColor: "var(--surface)", color: "var(--mantine-color-text)" };

export const look = [
  EditorView.theme({
    "&": { ...surface, height: "100%", fontSize: "0.82rem" },
    "&.cm-focused": { outline: "none" }, // what is around it shows the focus
    ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.55" },
    ".cm-gutters": { ...surface, color: "var(--mantine-color-dimmed)", border: "none" },
    ".cm-activeLine, .cm-activeLineGutter": {
      backgroundColor: "color-mix(in srgb, var(--ink-track) 45%, transparent)",
    },
    ".cm-cursor": { borderLeftColor: "var(--mantine-color-text)" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
      backgroundColor: "color-mix(in srgb, var(--mantine-primary-color-filled) 30%, transparent)",
    },
    ".cm-tooltip": { ...surface, border: "1px solid var(--edge)", borderRadius: "0.4rem", overflow: "hidden" },
    ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
      backgroundColor: "var(--mantine-primary-color-filled)",
      color: "#fff",
    },
    ".cm-completionDetail": { fontStyle: "normal", opacity: "0.75", marginLeft: "1rem" },
    ".cm-explained": { padding: "0.4rem 0.6rem", maxWidth: "26rem", whiteSpace: "pre-wrap" },
    ".cm-diagnostic": { padding: "0.3rem 0.6rem" },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: tags.propertyName, color: "var(--json-name)" },
      { tag: tags.string, color: "var(--json-string)" },
      { tag: tags.number, color: "var(--json-number)" },
      { tag: [tags.bool, tags.null], color: "var(--json-word)" },
    ]),
  ),
];
