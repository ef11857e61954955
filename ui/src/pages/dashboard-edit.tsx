/**
 * show: another query for a panel, tried in the page and saved into the file on request. In: a panel, the file's text and ETag. Out: the panel with the draft in it; a PUT with If-Match in which only the
 * changed texts differ from the file.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { send } from "../api";
import { writtenPiece } from "../dashboard/expression";
import type { Dashboard, Panel, PanelData, Target } from "../dashboard/model";
import { offeredIn, type Offered } from "../dashboard/offered";
import { replaceAt, type Path } from "../dashboard/patch";
import { encoded } from "../match";
import { problemOf, type Problem } from "../query/address";
import { CodeBox } from "../query/codebox";
import type { Editor } from "../query/editor";
import { setQuery } from "../router";
import { PanelFrame } from "./dashboard-panel";
import type { Live } from "./dashboard-state";

interface Draft {
  expr: string;
  legendFormat: string;
}

interface Props {
  panel: Panel;
  live: Live;
  dashboard: Dashboard;
  text: string;
  etag: string;
  edit: { allowed: boolean; because: string | null } | undefined;
  saved: () => void;
}

export function Edit({ panel, live, dashboard, text, etag, edit, saved }: Props) {
  const [drafts, setDrafts] = useState<Record<string, Draft>>({});
  const [tried, setTried] = useState<Record<string, Draft>>({});
  const [said, setSaid] = useState<{ tone: string; text: string }>();
  const [saving, setSaving] = useState(false);
  const [answer, setAnswer] = useState<PanelData>();
  const shown = useMemo(() => withDrafts(panel, tried), [panel, tried]);
  const draft = (target: Target): Draft => drafts[target.refId] ?? { expr: target.expr, legendFormat: target.legendFormat };
  const changed = panel.targets.filter((target) => draft(target).expr !== target.expr || draft(target).legendFormat !== target.legendFormat);
  const fixed = changed.find((target) => target.path.length === 0);
  // The editor calls back between renderings.
  const latest = useRef(drafts);
  latest.current = drafts;
  const set = (target: Target, part: Partial<Draft>) => setDrafts((latest.current = { ...latest.current, [target.refId]: { ...(latest.current[target.refId] ?? draft(target)), ...part } }));
  const tryNow = () => {
    setSaid(undefined);
    setTried({ ...latest.current });
  };
  const save = async () => {
    setSaving(true);
    setSaid(undefined);
    try {
      let next = text;
      for (const target of changed) {
        const own = draft(target);
        if (own.expr !== target.expr) next = replaceAt(next, placeOf(next, target.path, "expr"), own.expr);
        if (own.legendFormat !== target.legendFormat) next = replaceAt(next, placeOf(next, target.path, "legendFormat"), own.legendFormat);
      }
      const answer = await send<{ data: { file: string } }>("PUT", `api/bellbuoy/dashboards/${encoded(dashboard.uid)}`, next, { "if-match": etag });
      setSaid({ tone: "good", text: `Saved into ${answer.data.file}.` });
      setDrafts({});
      setTried({});
      saved();
    } catch (error) {
      setSaid({ tone: "bad", text: error instanceof Error ? error.message : String(error) });
    }
    setSaving(false);
  };
  return (
    <div class="edit">
      <div class="edit-panel">
        <PanelFrame key={panel.id} panel={shown} live={live} dashboard={dashboard} alone editable={edit?.allowed === true} told={setAnswer} />
      </div>
      <form
        class="edit-form card"
        onSubmit={(event) => {
          event.preventDefault();
          tryNow();
        }}
      >
        {panel.targets.map((target) => (
          <fieldset key={target.refId}>
            <legend>
              Query {target.refId} {target.hide && <small>(hidden)</small>}
            </legend>
            <Expression target={target} text={draft(target).expr} offered={() => offeredIn(live.scope, panel, answer?.sent.find((one) => one.refId === target.refId)?.macros)} problem={problemIn(answer, target, draft(target).expr)} onChange={(expr) => set(target, { expr })} onRun={tryNow} />
            <label>
              Legend <input value={draft(target).legendFormat} placeholder="{{job}}" onInput={(event) => set(target, { legendFormat: event.currentTarget.value })} />
            </label>
          </fieldset>
        ))}
        <div class="bar">
          <button class="main" type="submit" title="Ctrl+Enter">
            Try
          </button>
          <button type="button" disabled={changed.length === 0} onClick={() => (setDrafts({}), setTried({}), setSaid(undefined))}>
            As in the file
          </button>
          <button type="button" disabled={changed.length === 0 || saving || edit?.allowed !== true || fixed !== undefined} onClick={() => void save()}>
            Save into the file
          </button>
          <button type="button" onClick={() => setQuery({ editPanel: undefined }, "push")}>
            Back
          </button>
          <span role="status" class={said?.tone ?? "quiet"}>
            {said?.text ?? (edit?.allowed === false ? `Not saved from here: ${edit.because ?? "editing is not allowed"}` : fixed ? `Query ${fixed.refId} comes from elsewhere in the file and cannot be saved from here.` : changed.length > 0 ? "Not saved yet." : "")}
          </span>
        </div>
      </form>
    </div>
  );
}

interface ExpressionProps {
  target: Target;
  text: string;
  problem: Problem | undefined;
  offered: () => Offered[];
  onChange: (expr: string) => void;
  onRun: () => void;
}

/** The editor of the query page, with the place of an error. */
function Expression({ target, text, problem, offered, onChange, onRun }: ExpressionProps) {
  const editor = useRef<Editor | null>(null);
  const [ready, setReady] = useState(false);
  // What the editor said and what has not come back yet: when a person types faster than the page draws, an older text comes back, and putting that in would begin a chase without end.
  const said = useRef<string[]>([]);
  useEffect(() => {
    const at = said.current.lastIndexOf(text);
    if (at < 0) editor.current?.setText(text);
    said.current.splice(0, at + 1);
  }, [text]);
  const change = (expr: string) => {
    said.current.push(expr);
    onChange(expr);
  };
  useEffect(() => editor.current?.setProblem(problem), [problem?.from, problem?.to, problem?.message, ready]);
  return <CodeBox text={text} label={`Expression of query ${target.refId}`} onChange={change} onRun={onRun} editor={editor} ready={ready} onReady={() => setReady(true)} focus={false} offered={offered} />;
}

/** Where the server found an error, in the words of the file: with variables. Nothing while another text stands there. */
function problemIn(answer: PanelData | undefined, target: Target, text: string): Problem | undefined {
  const sent = answer?.sent.find((one) => one.refId === target.refId);
  if (!answer?.error || answer.errorRefId !== target.refId || !sent?.holes || sent.written !== text) return undefined;
  const found = problemOf(answer.error, sent.expr);
  if (!found) return undefined;
  const [from, to] = writtenPiece(sent.holes, found.from, found.to);
  return { ...found, from, to };
}

function withDrafts(panel: Panel, drafts: Record<string, Draft>): Panel {
  if (Object.keys(drafts).length === 0) return panel;
  return { ...panel, targets: panel.targets.map((target) => ({ ...target, ...(drafts[target.refId] ?? {}) })) };
}

/** Where a query's text stands: beside its refId, or deeper in newer files. */
function placeOf(text: string, path: Path, key: string): Path {
  let here: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
  for (const part of path) here = (here as Record<string | number, unknown> | undefined)?.[part];
  for (const way of [[key], ["spec", key], ["query", "spec", key], ["spec", "query", "spec", key]] as Path[]) {
    let value: unknown = here;
    for (const part of way) value = value !== null && typeof value === "object" ? (value as Record<string | number, unknown>)[part] : undefined;
    if (typeof value === "string") return [...path, ...way];
  }
  throw new Error(`the file has no "${key}" for this query; write it there first`);
}
