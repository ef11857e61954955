/**
 * show: the editor of a query: CodeMirror with PromQL's colours, completion from our own API, the place of an error. A chunk of its own, loaded
 * when the page is. Lives in a shadow root: there its styles are adopted sheets, so the page's policy needs no `unsafe-inline`.
 */
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionStatus } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";

import type { Offered } from "../dashboard/offered";
import { root } from "../router";
import { offeredAt } from "./placeholders";

export interface EditorOptions {
  text: string;
  label: string;
  onChange: (text: string) => void;
  /** Enter, or Ctrl-Enter in a query of several lines. */
  onRun: (text: string) => void;
  /** Asked each time: what is completed behind a `$`. */
  offered: () => Offered[];
}

export interface Editor {
  setText: (text: string) => void;
  /** Marks a piece of the text; undefined: nothing is wrong. */
  setProblem: (problem: { from: number; to: number; message: string } | undefined) => void;
  /** Marks a piece that the explain tree points at. */
  select: (from: number, to: number) => void;
  focus: () => void;
  destroy: () => void;
}

const colours = HighlightStyle.define([
  { tag: tags.labelName, color: "light-dark(#14717e, #57c8d6)" },
  { tag: tags.string, color: "var(--good)" },
  { tag: tags.number, color: "light-dark(#a5520f, #f09a5c)" },
  { tag: tags.function(tags.variableName), color: "light-dark(#2f74c0, #6aaef0)" },
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "light-dark(#a44fb3, #cf8ade)" },
  { tag: tags.operator, color: "light-dark(#c2475b, #f0808f)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const look = EditorView.theme({
  "&": { backgroundColor: "var(--card)", color: "var(--ink)", fontSize: "14px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { padding: "6px 4px", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": { backgroundColor: "color-mix(in srgb, var(--accent) 30%, transparent) !important" },
  ".cm-matchingBracket": { backgroundColor: "var(--info-soft) !important", outline: "1px solid var(--info)" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "6px", boxShadow: "0 4px 16px rgb(0 0 0 / .2)" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "13px", maxHeight: "260px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "#fff" },
  ".cm-completionDetail": { color: "var(--quiet)", fontStyle: "normal", marginLeft: "12px" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionInfo": { padding: "8px 10px", maxWidth: "360px", whiteSpace: "pre-wrap" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-placeholder": { color: "var(--quiet)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
  ".cm-diagnostic": { fontFamily: "var(--sans)", fontSize: "13px" },
});

/**
 * Typing over a selection, done here: browsers put a `style` attribute around what is typed in the place of coloured text, which the policy
 * refuses, loudly.
 */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    if (event.inputType !== "insertText" || !event.data || main.empty || view.composing) return false;
    const text = event.data;
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    event.preventDefault();
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, text, insert))) view.dispatch(insert());
    return true;
  },
});

/** Pictures of the library's style are data: addresses that our policy allows for images only; `look` draws the wave itself. */
export function mount(host: HTMLElement, options: EditorOptions): Editor {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const promql = new PromQLExtension()
    .activateLinter(false)
    .setComplete({ remote: { url: root.replace(/\/$/, ""), httpMethod: "GET", lookbackInterval: 12 * 3_600_000, cache: { maxAge: 60_000 } }, maxMetricsMetadata: 10_000 });
  // One and the same each time it is asked for: the library starts anew with each source that it does not know.
  const ofDashboard = [{ autocomplete: offeredAt(options.offered) }];
  const run = (view: EditorView) => {
    // A list that has only just opened does not take Enter yet; running half a name is not what was meant.
    if (completionStatus(view.state) === "active") return acceptCompletion(view) || true;
    options.onRun(view.state.doc.toString());
    return true;
  };
  const runNow = (view: EditorView) => {
    closeCompletion(view);
    options.onRun(view.state.doc.toString());
    return true;
  };
  const view = new EditorView({
    root: shadow,
    parent: shadow,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        syntaxHighlighting(colours),
        look,
        promql.asExtension(),
        EditorState.languageData.of(() => ofDashboard),
        typedOver,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
        placeholder("a PromQL query, for example sum by (job) (up)"),
        // The list of completions, which comes first, takes Enter while it is open.
        Prec.high(keymap.of([{ key: "Enter", run }, { key: "Ctrl-Enter", mac: "Cmd-Enter", run: runNow }, { key: "Shift-Enter", run: insertNewlineAndIndent }])),
        keymap.of([...closeBracketsKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
        EditorView.updateListener.of((update) => update.docChanged && options.onChange(update.state.doc.toString())),
      ],
    }),
  });
  return {
    setText: (text) => {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setProblem: (problem) => {
      const length = view.state.doc.length;
      const marks: Diagnostic[] = problem ? [{ from: Math.min(problem.from, Math.max(length - 1, 0)), to: Math.min(Math.max(problem.to, problem.from + 1), length), severity: "error", message: problem.message }] : [];
      view.dispatch(setDiagnostics(view.state, marks));
    },
    select: (from, to) => {
      const length = view.state.doc.length;
      view.dispatch({ selection: { anchor: Math.min(from, length), head: Math.min(to, length) } });
    },
    focus: () => view.focus(),
    destroy: () => {
      view.destroy();
      shadow.replaceChildren();
    },
  };
}
