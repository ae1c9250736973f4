import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { bracketMatching, foldGutter } from "@codemirror/language";
import { linter, lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import type { FieldError } from "../types.js";
import { complete, explain } from "./assist.js";
import styles from "./JsonEditor.module.css";
import { look } from "./look.js";
import { rangeOf } from "./place.js";
import type { Schema } from "./schema.js";

interface Props {
  readonly label: string;
  /** What is there at first, and after `revision` has changed. */
  readonly text: string;
  readonly revision?: string;
  readonly schema?: Schema | undefined;
  /** What the server says is wrong, by JSON pointers. */
  readonly problems?: readonly FieldError[];
  readonly onChange: (text: string) => void;
}

/**
 * JSON with the schema's help. It lives in a shadow root: there its styles are adopted sheets, while in the page itself
 * they would be a <style> element, which the page's policy forbids.
 */
export function JsonEditor({ label, text, revision = "", schema, problems = [], onChange }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView>(null);
  const help = useRef(new Compartment());
  const change = useRef(onChange);
  const begin = useRef(text);
  useEffect(() => {
    change.current = onChange;
    begin.current = text;
  });

  useEffect(() => {
    if (host.current === null) return;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const view = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: begin.current,
        extensions: [
          history(),
          drawSelection(),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
          lineNumbers(),
          foldGutter(),
          highlightActiveLine(),
          bracketMatching(),
          closeBrackets(),
          json(),
          linter(jsonParseLinter(), { delay: 300 }),
          lintGutter(),
          look,
          help.current.of([]),
          EditorState.tabSize.of(2),
          EditorView.contentAttributes.of({ "aria-label": label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) change.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    editor.current = view;
    return () => view.destroy();
  }, [label, revision]);

  useEffect(() => {
    const extensions =
      schema === undefined ? [] : [autocompletion({ override: [complete(schema)], icons: false }), explain(schema)];
    editor.current?.dispatch({ effects: help.current.reconfigure(extensions) });
  }, [schema, label, revision]);

  useEffect(() => {
    const view = editor.current;
    if (view === null) return;
    const found = problems.map(({ path, message }): Diagnostic => ({
      ...rangeOf(view.state, path),
      severity: "error",
      message,
    }));
    view.dispatch(setDiagnostics(view.state, found));
  }, [problems, revision]);

  return <div ref={host} className={styles.editor} />;
}
