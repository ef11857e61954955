/**
 * show: another query for a panel, tried in the page and saved into the file on request. In: a panel, the file's text and ETag. Out: the panel with the draft in it; a PUT with If-Match in which only the
 * changed texts differ from the file.
 */
import { useMemo, useState } from "preact/hooks";

import { send } from "../api";
import type { Dashboard, Panel, Target } from "../dashboard/model";
import { replaceAt, type Path } from "../dashboard/patch";
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
  const shown = useMemo(() => withDrafts(panel, tried), [panel, tried]);
  const draft = (target: Target): Draft => drafts[target.refId] ?? { expr: target.expr, legendFormat: target.legendFormat };
  const changed = panel.targets.filter((target) => draft(target).expr !== target.expr || draft(target).legendFormat !== target.legendFormat);
  const fixed = changed.find((target) => target.path.length === 0);
  const set = (target: Target, part: Partial<Draft>) => setDrafts({ ...drafts, [target.refId]: { ...draft(target), ...part } });
  const tryNow = () => {
    setSaid(undefined);
    setTried({ ...drafts });
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
      const answer = await send<{ data: { file: string } }>("PUT", `api/bellbuoy/dashboards/${encodeURIComponent(dashboard.uid)}`, next, { "if-match": etag });
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
        <PanelFrame key={panel.id} panel={shown} live={live} dashboard={dashboard} alone editable={edit?.allowed === true} />
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
            <textarea
              aria-label={`Expression of query ${target.refId}`}
              class="mono"
              rows={Math.min(12, Math.max(2, draft(target).expr.split("\n").length + 1))}
              spellcheck={false}
              value={draft(target).expr}
              onInput={(event) => set(target, { expr: event.currentTarget.value })}
              onKeyDown={(event) => {
                if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
                event.preventDefault();
                tryNow();
              }}
            />
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
