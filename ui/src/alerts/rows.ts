/**
 * show: one row per alert, and per rule that has none. In: rules, what the router knows, silences. Out: rows with their state, and sections in
 * the order people read them. Pure. "No data" is a state of its own: the caller learns it from the samples and passes it in.
 */
import { millis } from "../parts/time";
import { comparison, type Comparison } from "./threshold";
import type { RoutedAlert, Rule, RuleGroup, Silence } from "./types";
import type { Labels } from "../shapes";

export const STATES = ["firing", "pending", "silenced", "failing", "nodata", "event", "inactive"] as const;
export type RowState = (typeof STATES)[number];

export interface Row {
  key: string;
  name: string;
  state: RowState;
  severity: string;
  group: string;
  file: string;
  /** All labels but the name. */
  labels: Labels;
  annotations: Labels;
  /** The value of the alert; of the others the caller asks for it. */
  value?: number;
  query: string;
  comparison?: Comparison;
  ruleKey?: string;
  activeAt?: number;
  forSeconds: number;
  keepFiringSeconds: number;
  /** Why nobody is told: who silenced it, what inhibits it. */
  silences: Silence[];
  /** Names of the alerts that inhibit it. */
  inhibited: string[];
  muted: string[];
  receivers: string[];
  /** Posted to the program, not of a rule here. */
  posted: boolean;
  lastError: string;
}

export interface Known {
  groups: RuleGroup[];
  routed: RoutedAlert[];
  silences: Silence[];
  /** Keys of rules whose expression finds no sample to compare. */
  noData: ReadonlySet<string>;
}

export function ruleKey(file: string, group: string, index: number): string {
  return `${file}\u0000${group}\u0000${index}`;
}

export function rows({ groups, routed, silences, noData }: Known): Row[] {
  const byId = new Map(silences.map((silence) => [silence.id, silence]));
  const names = new Map(routed.map((alert) => [alert.fingerprint, alert.labels.alertname ?? ""]));
  const byLabels = new Map(routed.map((alert) => [keyOf(alert.labels), alert]));
  const taken = new Set<string>();
  const out: Row[] = [];
  for (const group of groups) {
    for (const [index, rule] of group.rules.entries()) {
      if (rule.type !== "alerting") continue;
      const base = ofRule(rule, group, ruleKey(group.file, group.name, index));
      if (rule.health === "err") out.push({ ...base, key: `${base.ruleKey} failing`, state: "failing" });
      for (const alert of rule.alerts ?? []) {
        const key = keyOf(alert.labels);
        const known = byLabels.get(key);
        if (known) taken.add(key);
        const row: Row = {
          ...base,
          key: `${base.ruleKey} ${key}`,
          state: alert.state,
          labels: without(alert.labels),
          annotations: alert.annotations,
          severity: alert.labels.severity ?? base.severity,
          value: valueOf(alert.value),
          activeAt: millis(alert.activeAt),
        };
        out.push(hushed(row, known, byId, names));
      }
      if (!rule.alerts?.length && rule.health !== "err") out.push({ ...base, key: base.ruleKey ?? rule.name, state: noData.has(base.ruleKey ?? "") ? "nodata" : "inactive" });
    }
  }
  for (const alert of routed) {
    const key = keyOf(alert.labels);
    if (!taken.has(key)) out.push(ofPosted(alert, key, byId, names));
  }
  return out;
}

function ofRule(rule: Rule, group: RuleGroup, key: string): Row {
  return {
    key, ruleKey: key, name: rule.name, state: "inactive", severity: rule.labels.severity ?? "", group: group.name, file: group.file, labels: rule.labels,
    annotations: rule.annotations ?? {}, query: rule.query, comparison: comparison(rule.query), forSeconds: rule.duration ?? 0, keepFiringSeconds: rule.keepFiringFor ?? 0,
    silences: [], inhibited: [], muted: [], receivers: [], posted: false, lastError: rule.lastError ?? "",
  };
}

function ofPosted(alert: RoutedAlert, key: string, byId: Map<string, Silence>, names: Map<string, string>): Row {
  const row: Row = {
    key: `posted ${key}`, name: alert.labels.alertname ?? "(no name)", state: alert.labels.kind === "event" ? "event" : "firing", severity: alert.labels.severity ?? "", group: "", file: "", labels: without(alert.labels),
    annotations: alert.annotations, query: "", activeAt: millis(alert.startsAt), forSeconds: 0, keepFiringSeconds: 0,
    silences: [], inhibited: [], muted: [], receivers: [], posted: true, lastError: "",
  };
  return hushed(row, alert, byId, names);
}

function hushed(row: Row, known: RoutedAlert | undefined, byId: Map<string, Silence>, names: Map<string, string>): Row {
  if (!known) return row;
  const silences = known.status.silencedBy.map((id) => byId.get(id) ?? unknownSilence(id));
  const inhibited = known.status.inhibitedBy.map((fingerprint) => names.get(fingerprint) || "another alert");
  const muted = known.status.mutedBy ?? [];
  const quiet = silences.length > 0 || inhibited.length > 0 || muted.length > 0;
  return { ...row, silences, inhibited, muted, receivers: known.receivers.map(({ name }) => name), state: quiet && row.state !== "pending" ? "silenced" : row.state };
}

function unknownSilence(id: string): Silence {
  return { id, matchers: [], startsAt: "", endsAt: "", createdBy: "", comment: "", status: { state: "active" } };
}

function valueOf(text: string): number | undefined {
  const value = text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
  return text === "" ? undefined : value;
}

function without({ alertname: _, ...rest }: Labels): Labels {
  return rest;
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const GROUPINGS = ["state", "severity", "group", "receiver"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Section {
  title: string;
  rows: Row[];
}

const SEVERITIES = ["page", "critical", "error", "high", "warning", "medium", "low", "info"];

export const STATE_TITLES: Record<RowState, string> = {
  firing: "Firing", pending: "Pending", silenced: "Silenced or inhibited", event: "Events told", failing: "Rule fails", nodata: "No data", inactive: "Inactive",
};

export function sections(all: Row[], by: Grouping): Section[] {
  const found = new Map<string, Row[]>();
  for (const row of all) {
    const title = titleOf(row, by);
    found.set(title, [...(found.get(title) ?? []), row]);
  }
  const out = [...found].map(([title, rows]) => ({ title, rows: rows.sort(compare) }));
  return out.sort((a, b) => orderOf(a, by) - orderOf(b, by) || a.title.localeCompare(b.title));
}

function titleOf(row: Row, by: Grouping): string {
  if (by === "state") return STATE_TITLES[row.state];
  if (by === "severity") return row.severity || "no severity";
  if (by === "group") return row.posted ? "posted from elsewhere" : `${row.group} (${row.file.split("/").pop()})`;
  return row.receivers.join(", ") || "nobody is told now";
}

function orderOf({ rows, title }: Section, by: Grouping): number {
  if (by === "state") return STATES.indexOf(rows[0]?.state ?? "inactive");
  return by === "severity" ? severityOrder(title) : 0;
}

export function severityOrder(severity: string): number {
  const at = SEVERITIES.indexOf(severity.toLowerCase());
  return at < 0 ? SEVERITIES.length : at;
}

function compare(a: Row, b: Row): number {
  return (
    STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
    severityOrder(a.severity) - severityOrder(b.severity) ||
    (b.activeAt ?? 0) - (a.activeAt ?? 0) ||
    a.name.localeCompare(b.name) ||
    (a.key < b.key ? -1 : 1)
  );
}

export function severityTone(severity: string): "bad" | "warn" | "info" | "" {
  const order = severityOrder(severity);
  return order <= 3 ? "bad" : order <= 5 ? "warn" : order < SEVERITIES.length ? "info" : "";
}
