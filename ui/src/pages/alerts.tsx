/**
 * show: all alerts, one line each, and rules that have none. In: rules, the router's alerts, silences, the last half hour of each value. Out: a
 * dense list by state, severity, group or receiver. What was chosen is in the address: `state`, `q`, `by`, `range`.
 */
import { useMemo } from "preact/hooks";

import { get, prom, useAsked } from "../api";
import { href, place, setQuery } from "../router";
import type { PageProps } from "../routes";
import { Ago, Empty, ErrorLine, Loading, Tag } from "../parts/basics";
import { Filter } from "../parts/controls";
import { Labels } from "../parts/labels";
import { number, short } from "../parts/number";
import { now, promDuration, brief } from "../parts/time";
import { cut, oneLine } from "../parts/text";
import { Meter, Spark } from "../parts/charts";
import { read, takes, written } from "../alerts/matchers";
import { GROUPINGS, rows, ruleKey, sections, severityTone, STATE_TITLES, STATES, type Grouping, type Row, type RowState } from "../alerts/rows";
import { useSilence } from "../alerts/silence";
import { holds, worst } from "../alerts/threshold";
import type { RoutedAlert, RuleGroup, Silence } from "../alerts/types";
import { clockOf } from "../alerts/words";
import { newest, usePast, type Past } from "../alerts/watch";
import "../alerts/alerts.css";

const TURN_MS = 3000;
const ROWS_MAX = 500;
const HEADS = ["State", "Alert", "Severity", "Value", "Past", "For", "Since", "Told", "Acts"];

export default function Alerts(_: PageProps) {
  const rules = useAsked((abort) => prom<{ groups: RuleGroup[] }>("rules", { type: "alert" }, abort), "rules", TURN_MS);
  const routed = useAsked((abort) => get<RoutedAlert[]>("api/v2/alerts", {}, abort), "routed", TURN_MS);
  const silences = useAsked((abort) => get<Silence[]>("api/v2/silences", {}, abort), "silences", TURN_MS);
  const groups = rules.data?.groups;
  const watched = useMemo(
    () => (groups ?? []).flatMap((group) => group.rules.flatMap((rule, index) => (rule.type === "alerting" && rule.health !== "err" ? [{ key: ruleKey(group.file, group.name, index), query: rule.query }] : []))),
    [groups],
  );
  const seconds = pastSeconds(groups ?? []);
  const { past, noData, beyond, reach } = usePast(watched, seconds);
  const again = () => {
    routed.again();
    silences.again();
  };
  const silence = useSilence(again);
  const all = rows({ groups: groups ?? [], routed: routed.data ?? [], silences: silences.data ?? [], noData });
  const query = place.value.query;
  const filter = read(query.get("q") ?? "");
  const matching = all.filter((row) => takes(filter, { ...row.labels, alertname: row.name }, row.name));
  const chosen = STATES.filter((state) => query.getAll("state").includes(state));
  const shown = chosen.length === 0 ? matching : matching.filter((row) => chosen.includes(row.state));
  const by = GROUPINGS.find((one) => one === query.get("by")) ?? "state";
  const pick = (name: string, value: string) => {
    const one = written({ name, value, isRegex: false, isEqual: true });
    const before = query.get("q") ?? "";
    if (!before.includes(one)) setQuery({ q: `${before} ${one}`.trim() }, "push");
  };
  return (
    <>
      <h1>Alerts</h1>
      <div class="bar">
        <StateChips rows={matching} chosen={chosen} />
        <span class="right">
          <label class="quiet">
            by{" "}
            <select value={by} onChange={(event) => setQuery({ by: event.currentTarget.value === "state" ? undefined : event.currentTarget.value })}>
              {GROUPINGS.map((one: Grouping) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>{" "}
          <Filter placeholder='filter: words, severity="critical"' label="Filter alerts by words and matchers" />
        </span>
      </div>
      {filter.problem && <p class="bad">{filter.problem}</p>}
      <ErrorLine error={rules.error} what="Rules" again={rules.again} />
      <ErrorLine error={routed.error} what="Routed alerts" again={routed.again} />
      {silence.view}
      {!groups && !rules.error && <Loading />}
      {groups && all.length === 0 && (
        <Empty
          title="No alerting rules"
          because="Nothing is watched yet: there is no rule with `alert:` in the rule files."
          todo="Name a file with rules in prometheus.yml and put a rule in it."
          snippet={{ language: "yaml", text: "groups:\n  - name: example\n    rules:\n      - alert: ServiceDown\n        expr: up == 0\n        for: 1m\n        labels: {severity: critical}\n        annotations: {summary: \"{{ $labels.job }} is down\"}\n" }}
        />
      )}
      {groups && all.length > 0 && shown.length === 0 && <Empty title="None of these" because={`${all.length} are left out by the filter.`}><button type="button" onClick={() => setQuery({ q: undefined, state: undefined })}>Show all</button></Empty>}
      {sections(shown, by).map(({ title, rows }, index) => (
        <section key={title} class="al-section">
          <h2>
            {title} <small>{rows.length}</small>
          </h2>
          <div class="al-list" role="table" aria-label={title}>
            <div class={index === 0 ? "al-row al-head" : "al-row al-head unseen"} role="row">
              {HEADS.map((head) => (
                <span key={head} role="columnheader" class={`al-${head.toLowerCase()}-head`}>
                  {head === "State" || head === "Acts" ? <span class="unseen">{head}</span> : head === "Past" ? `Last ${promDuration(reach)}` : head}
                </span>
              ))}
            </div>
            {rows.slice(0, ROWS_MAX).map((row) => (
              <Line key={row.key} row={row} past={past.get(row.ruleKey ?? "")} pick={pick} silence={() => silence.open(silenced(row), routed.data)} />
            ))}
          </div>
          {rows.length > ROWS_MAX && <p class="quiet">{rows.length - ROWS_MAX} more; narrow the filter to see them.</p>}
        </section>
      ))}
      {beyond > 0 && <p class="quiet">Values of {beyond} rules are not shown here; their pages have them.</p>}
    </>
  );
}

/** 120 evaluations of a usual rule: half an hour at 15 s, five minutes where rules are evaluated each second. */
function pastSeconds(groups: RuleGroup[]): number {
  const intervals = groups.map((group) => group.interval).sort((a, b) => a - b);
  return Math.min(Math.max((intervals[intervals.length >> 1] ?? 15) * 120, 300), 7200);
}

function StateChips({ rows, chosen }: { rows: Row[]; chosen: RowState[] }) {
  const toggle = (state: RowState) => setQuery({ state: chosen.includes(state) ? chosen.filter((one) => one !== state) : [...chosen, state] });
  return (
    <span class="al-chips" role="group" aria-label="States">
      {STATES.map((state) => {
        const count = rows.filter((row) => row.state === state).length;
        return (
          <button key={state} type="button" class={`al-chip ${count > 0 ? state : "none"}`} aria-pressed={chosen.includes(state)} onClick={() => toggle(state)}>
            <b>{count}</b> {STATE_TITLES[state].toLowerCase().replace(" or inhibited", "")}
          </button>
        );
      })}
    </span>
  );
}

const MARKS: Record<RowState, string> = { firing: "●", pending: "◔", silenced: "◌", event: "✉", failing: "✕", nodata: "?", inactive: "✓" };

function Line({ row, past, pick, silence }: { row: Row; past: Past | undefined; pick: (name: string, value: string) => void; silence: () => void }) {
  const address = href(["alerts", row.name], instanceQuery(row));
  return (
    <div class={`al-row ${row.state}`} role="row">
      <span class="al-mark" role="cell" title={STATE_TITLES[row.state]}>
        <span aria-hidden="true">{MARKS[row.state]}</span>
        <span class="unseen">{STATE_TITLES[row.state]}</span>
      </span>
      <span class="al-name" role="cell">
        <a href={address} title={cut(row.name, 400)}>
          <bdi>{oneLine(cut(row.name, 120))}</bdi>
        </a>
        <Labels of={row.labels} omit={row.state === "event" ? ["severity", "kind", "event", "at"] : ["severity"]} max={6} onPick={pick} />
      </span>
      <span class="al-severity" role="cell">
        {row.severity && <Tag tone={severityTone(row.severity)} title={cut(row.severity, 200)}>{oneLine(cut(row.severity, 24))}</Tag>}
      </span>
      {row.state === "event" ? (
        <span role="cell" class="al-summary" title={cut(row.annotations.summary ?? "", 400)}>
          {oneLine(cut((row.annotations.description || row.annotations.summary || "").replace(/\s*\n\s*/g, " "), 200))}
        </span>
      ) : (
        <>
          <Value row={row} past={past} />
          <span role="cell" class="al-past">
            <PastOf row={row} past={past} />
          </span>
          <span role="cell" class="al-for">
            <For row={row} />
          </span>
        </>
      )}
      <span role="cell" class="al-since">
        {row.activeAt !== undefined ? <Ago at={row.activeAt} /> : ""}
      </span>
      <span role="cell" class="al-told">
        <Told row={row} />
      </span>
      <span role="cell" class="al-acts">
        <a class="button small" href={href(["alerts", row.name], { ...instanceQuery(row), tab: "why" })}>
          Why?
        </a>
        {(row.state === "firing" || row.state === "pending" || row.state === "event") && (
          <button type="button" class="small" onClick={silence}>
            Silence
          </button>
        )}
      </span>
    </div>
  );
}

/** What a silence of this row is about; an event of tomorrow has another time. */
function silenced(row: Row): Record<string, string> {
  const { at: _, ...rest } = row.labels;
  return { alertname: row.name, ...(row.state === "event" ? rest : row.labels) };
}

/** The labels that name this alert among those of its rule. */
function instanceQuery(row: Row): Record<string, string | string[]> {
  if (row.state === "inactive" || row.state === "nodata" || row.state === "failing") return row.group ? { group: row.group } : {};
  const labels = Object.entries(row.labels).filter(([, value]) => value.length <= 200).map(([name, value]) => `${name}=${value}`);
  return { label: labels.slice(0, 12), ...(row.group ? { group: row.group } : {}) };
}

function Value({ row, past }: { row: Row; past: Past | undefined }) {
  const values = (past?.grid?.series ?? []).map((series) => newest(series.values)).filter((value) => value !== undefined);
  const value = row.value ?? worst(values, row.comparison);
  const { comparison } = row;
  const bad = value !== undefined && comparison ? holds(value, comparison) : undefined;
  if (row.posted) return <span role="cell" class="quiet al-value">posted</span>;
  if (row.state === "failing") return <span role="cell" class="bad al-error" title={cut(row.lastError, 400)}>{cut(row.lastError, 160)}</span>;
  if (row.state === "nodata") return <span role="cell" class="warn" title={`${cut(comparison?.left ?? row.query, 300)} ${past?.grid?.series.length ? "has no value now: its series ended, or it is NaN" : "finds no samples"}`}>{past?.grid?.series.length ? "no value now" : "no samples"}</span>;
  return (
    <span role="cell" class="al-value num" title={cut(row.query, 600)}>
      {!comparison ? <span class="quiet">{row.value !== undefined ? number(row.value) : "not there"}</span> : (
        <>
          <b class={bad ? "bad" : ""}>{value === undefined ? "…" : Math.abs(value) >= 1e6 ? short(value) : number(value)}</b>{" "}
          <span class="quiet">
            {comparison.op} {comparison.threshold !== undefined ? number(comparison.threshold) : cut(comparison.right, 24)}
          </span>
        </>
      )}
    </span>
  );
}

function PastOf({ row, past }: { row: Row; past: Past | undefined }) {
  if (row.posted) return null;
  if (past?.error) return <span class="quiet" title={past.error}>not shown</span>;
  const all = past?.grid?.series ?? [];
  // An alert shows its own series; a rule the one nearest to firing.
  const own = row.value === undefined ? [] : all.filter((series) => Object.entries(series.labels).every(([name, value]) => name === "__name__" || row.labels[name] === undefined || row.labels[name] === value));
  const series = own[0] ?? byWorst(all.map((one) => one.values), row);
  const values = Array.isArray(series) ? series : series?.values;
  if (!values) return null;
  return <Spark values={values} threshold={row.comparison?.threshold} beyond={(value) => row.comparison !== undefined && holds(value, row.comparison) === true} of={row.name} />;
}

function byWorst(all: (number | null)[][], row: Row): (number | null)[] | undefined {
  const lasts = all.map((values) => values.findLast((value) => value !== null) ?? NaN);
  const found = worst(lasts, row.comparison);
  return all[lasts.findIndex((value) => value === found)] ?? all[0];
}

function For({ row }: { row: Row }) {
  if (row.state === "pending" && row.activeAt !== undefined) {
    const done = (now.value - row.activeAt) / 1000;
    const text = clockOf(done, row.forSeconds);
    return (
      <span class="al-clock" title={`the condition holds for ${text}`}>
        <Meter value={done} max={row.forSeconds} tone="warn" label={`pending ${text}`} />
        <small class="nowrap">{text}</small>
      </span>
    );
  }
  return row.posted ? null : <small class="nowrap">{row.forSeconds > 0 ? promDuration(row.forSeconds) : "at once"}</small>;
}

function Told({ row }: { row: Row }) {
  const [silence] = row.silences;
  if (silence) {
    return (
      <small title={cut(silence.comment, 300)}>
        silenced by <bdi>{cut(silence.createdBy || "someone", 30)}</bdi>
        {silence.endsAt ? ` until ${brief(silence.endsAt)}` : ""}
        {silence.comment && <span class="quiet">: {cut(silence.comment, 40)}</span>}
      </small>
    );
  }
  if (row.inhibited.length > 0) return <small>inhibited by {oneLine(cut(row.inhibited.join(", "), 60))}</small>;
  if (row.muted.length > 0) return <small>muted: {cut(row.muted.join(", "), 40)}</small>;
  return <small>{cut(row.receivers.join(", "), 60)}</small>;
}
