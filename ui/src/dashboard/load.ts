/**
 * show: the JSON of a dashboard, of any version, becomes a `Dashboard`. Nothing in it can make this fail: what cannot be read is a problem in
 * words, what cannot be drawn is a panel with the reason.
 *
 * In: parsed JSON of a file. Out: the model. The JSON is not changed. Read migrate/ for old panels and wrap.ts for the shapes around a dashboard.
 */
import { readCondition } from "./condition";
import { flag, isObject, list, number, object, objects, own, text, texts, word, type Json } from "./loose";
import { migratePanel } from "./migrate";
import { upgradeRows } from "./migrate/rows";
import type { AnnotationQuery, Dashboard, DashboardLink, Panel, Target, Transformation } from "./model";
import { readFieldConfig, readLinks } from "./read-config";
import { sources, type Source, type Sources } from "./source";
import { loadVariables } from "./load-variables";
import { unwrap, type Path } from "./wrap";

/** What a bound drops is said in `problems`. */
const PANELS_MAX = 2000;
const TARGETS_MAX = 100;

export const DRAWABLE: ReadonlySet<string> = new Set([
  "timeseries", "stat", "gauge", "bargauge", "piechart", "table", "text", "row", "alertlist", "dashlist", "heatmap", "histogram", "state-timeline", "status-history", "barchart",
]);

const WHY: Record<string, string> = {
  logs: "logs are not kept here",
  traces: "traces are not kept here",
  flamegraph: "profiles are not kept here",
  geomap: "maps are not drawn here",
  nodeGraph: "node graphs are not drawn here",
  canvas: "canvas panels are not drawn here",
  news: "news come from other hosts, which these pages never ask",
  "annolist": "lists of annotations are not drawn here",
};

interface Reading {
  sources: Sources;
  library: Map<string, Json>;
  paths: Map<Json, Path>;
  problems: string[];
  count: number;
  ids: Set<number>;
}

export function loadDashboard(json: unknown): Dashboard {
  const { classic, prefix, paths, problems } = unwrap(json);
  const reading: Reading = { sources: sources(classic), library: libraryOf(classic), paths, problems, count: 0, ids: new Set() };
  const rows = upgradeRows(classic, prefix, paths);
  const from = rows ?? objects(classic.panels);
  if (!rows && classic.panels !== undefined && !Array.isArray(classic.panels)) problems.push("panels is no list");
  const panels = withReused(placed(from.map((panel, at) => readPanel(panel, rows ? [] : [...prefix, "panels", indexIn(classic.panels, panel, at)], reading))));
  const time = object(classic.time);
  return {
    uid: text(classic.uid),
    title: text(classic.title, "Dashboard without a title"),
    description: text(classic.description),
    tags: texts(classic.tags),
    panels,
    variables: loadVariables(object(classic.templating).list, reading.sources),
    time: { from: text(time.from, "now-1h"), to: text(time.to, "now") },
    refresh: typeof classic.refresh === "string" ? classic.refresh : "",
    timezone: text(classic.timezone, "browser") || "browser",
    graphTooltip: classic.sharedCrosshair === true ? 1 : (([0, 1, 2] as const)[number(classic.graphTooltip) ?? 0] ?? 0),
    links: objects(classic.links).map(readDashboardLink),
    annotations: withOwn(objects(object(classic.annotations).list).flatMap((one) => readAnnotation(one, reading.sources))),
    problems,
  };
}

/** A query that shows another panel's result becomes that panel's queries and transformations. */
function withReused(panels: Panel[]): Panel[] {
  const all = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  for (const panel of all) {
    const reuse = panel.targets.find((target) => target.panelId !== undefined);
    const from = reuse && all.find((one) => one.id === reuse.panelId && one !== panel && one.targets.every((target) => target.panelId === undefined));
    if (reuse && !from) panel.undrawable ??= `shows the result of panel ${reuse.panelId}, which is not there`;
    if (!from) continue;
    panel.targets = panel.targets.flatMap((target) => (target.panelId === undefined ? [target] : target.panelId === from.id ? from.targets : []));
    panel.undrawable ??= from.undrawable;
  }
  return panels;
}

const indexIn = (all: unknown, panel: Json, otherwise: number): number => {
  const at = list(all).indexOf(panel);
  return at < 0 ? otherwise : at;
};

/** How many panels there are (rows are none) and how many can be drawn. */
export function countPanels(dashboard: Dashboard): { panels: number; drawable: number } {
  const out = { panels: 0, drawable: 0 };
  const count = (panel: Panel) => {
    for (const inner of panel.panels ?? []) count(inner);
    if (panel.type === "row") return;
    out.panels++;
    if (panel.undrawable === undefined) out.drawable++;
  };
  dashboard.panels.forEach(count);
  return out;
}

/** Panels in the order of the grid. */
function placed(panels: Panel[]): Panel[] {
  return panels.map((panel, at) => ({ panel, at })).sort((a, b) => a.panel.grid.y - b.panel.grid.y || a.panel.grid.x - b.panel.grid.x || a.at - b.at).map(({ panel }) => panel);
}

function libraryOf(classic: Json): Map<string, Json> {
  const elements = Array.isArray(classic.__elements) ? objects(classic.__elements) : objects(Object.values(object(classic.__elements)));
  return new Map(elements.filter((one) => isObject(one.model)).map((one) => [text(one.uid), object(one.model)]));
}

function readPanel(raw: Json, path: Path, reading: Reading): Panel {
  reading.count++;
  const library = isObject(raw.libraryPanel) ? (isObject(raw.libraryPanel.model) ? raw.libraryPanel.model : reading.library.get(text(raw.libraryPanel.uid))) : undefined;
  const whole = library ? { ...library, id: raw.id, gridPos: raw.gridPos, title: text(raw.title) || library.title } : raw;
  const originalType = text(whole.type, isObject(raw.libraryPanel) ? "library" : "");
  const { panel: json, problems } = migratePanel(whole);
  const title = text(json.title);
  for (const problem of problems) reading.problems.push(`panel "${title}": ${problem}`);
  const source = reading.sources.of(json.datasource);
  const type = text(json.type);
  const out: Panel = {
    id: panelId(json.id, reading),
    type,
    originalType,
    title,
    description: text(json.description),
    grid: gridOf(json.gridPos, type),
    transparent: flag(json.transparent),
    targets: type === "row" || type === "text" ? [] : readTargets(json.targets, library ? [] : path, source, reading),
    options: object(json.options),
    fieldConfig: withDefaultColor(readFieldConfig(json.fieldConfig), type),
    transformations: objects(json.transformations).map(readTransformation),
    links: readLinks(json.links),
    minInterval: text(json.interval),
    hideTimeOverride: flag(json.hideTimeOverride),
  };
  const points = number(json.maxDataPoints);
  if (points !== undefined && points > 0) out.maxDataPoints = points;
  if (typeof json.timeFrom === "string" && json.timeFrom !== "") out.timeFrom = json.timeFrom;
  if (typeof json.timeShift === "string" && json.timeShift !== "") out.timeShift = json.timeShift;
  if (typeof json.repeat === "string" && json.repeat !== "") {
    out.repeat = { variable: json.repeat, direction: json.repeatDirection === "v" ? "v" : "h", maxPerRow: Math.max(1, number(json.maxPerRow) ?? 4) };
  }
  const { condition, unjudged } = readCondition(json.conditionalRendering);
  if (condition) out.condition = condition;
  if (unjudged) reading.problems.push(`${type === "row" ? "row" : "panel"} "${title}": a rule of its file about when it is shown is not known here, and not followed`);
  if (type === "row" && condition?.rules.some((rule) => "hasData" in rule)) reading.problems.push(`row "${title}": shown whether it has data or not; only panels have data`);
  if (type === "row") readRow(out, json, path, reading);
  else out.undrawable = whyNot(out, source, raw);
  return out;
}

/** An id of its own for each panel, whatever the file says. */
function panelId(value: unknown, reading: Reading): number {
  let id = number(value) ?? 0;
  if (id <= 0 || reading.ids.has(id)) id = Math.max(100_000, ...reading.ids) + 1;
  reading.ids.add(id);
  return id;
}

function readRow(out: Panel, json: Json, path: Path, reading: Reading): void {
  out.collapsed = flag(json.collapsed);
  if (flag(json.tab)) out.tab = true;
  if (flag(json.headless)) out.headless = true;
  const depth = number(json.depth) ?? 0;
  if (depth > 0) out.depth = depth;
  const inner = list(json.panels).flatMap((panel, at) => {
    if (!isObject(panel)) return [];
    if (reading.count >= PANELS_MAX) {
      if (reading.count++ === PANELS_MAX) reading.problems.push(`only the first ${PANELS_MAX} panels are shown`);
      return [];
    }
    return [readPanel(panel, path.length > 0 ? [...path, "panels", at] : [], reading)];
  });
  out.panels = placed(inner);
}

function whyNot(panel: Panel, source: Source, raw: Json): string | undefined {
  if (panel.originalType === "library") return `library panel "${text(object(raw.libraryPanel).name)}" is not in the file`;
  if (!DRAWABLE.has(panel.type)) return own(WHY, panel.type) ?? `no panel of type "${panel.originalType || "?"}" here${panel.originalType.includes("-panel") ? " (a plug-in of Grafana)" : ""}`;
  if (source.kind === "other" && panel.targets.length > 0) return `asks ${source.name}, which is not here`;
  const reasons = panel.targets.filter((target) => !target.hide).map((target) => target.undrawable);
  return reasons.length > 0 && reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
}

function gridOf(value: unknown, type: string): Panel["grid"] {
  const from = object(value);
  const w = Math.min(24, Math.max(1, Math.round(number(from.w) ?? (type === "row" ? 24 : 12))));
  const x = Math.min(24 - w, Math.max(0, Math.round(number(from.x) ?? 0)));
  return { x, w, y: Math.min(100_000, Math.max(0, number(from.y) ?? 0)), h: Math.min(200, Math.max(1, number(from.h) ?? (type === "row" ? 1 : 8))) };
}

const BY_VALUE = new Set(["stat", "gauge", "bargauge", "table", "state-timeline", "status-history"]);

function withDefaultColor(source: Panel["fieldConfig"], type: string): Panel["fieldConfig"] {
  source.defaults.color ??= { mode: BY_VALUE.has(type) ? "thresholds" : "palette-classic" };
  return source;
}

function readTargets(value: unknown, path: Path, source: Source, reading: Reading): Target[] {
  const all = list(value);
  if (all.length > TARGETS_MAX) reading.problems.push(`a panel has ${all.length} queries; the first ${TARGETS_MAX} are asked`);
  const used = new Set(all.filter(isObject).map((one) => text(one.refId)));
  return all.slice(0, TARGETS_MAX).flatMap((raw, at) => {
    if (!isObject(raw)) return [];
    const here = reading.paths.get(raw) ?? (path.length > 0 ? [...path, "targets", at] : []);
    return [readTarget(raw, here, source, reading.sources, nextRefId(raw.refId, used))];
  });
}

function nextRefId(value: unknown, used: Set<string>): string {
  if (typeof value === "string" && value !== "") return value;
  for (let at = 0; ; at++) {
    const letter = (at >= 26 ? String.fromCharCode(64 + Math.floor(at / 26)) : "") + String.fromCharCode(65 + (at % 26));
    if (!used.has(letter)) {
      used.add(letter);
      return letter;
    }
  }
}

function readTarget(raw: Json, path: Path, panel: Source, all: Sources, refId: string): Target {
  const own = raw.datasource === undefined || raw.datasource === null ? undefined : all.of(raw.datasource);
  const source = own && own.kind !== "mixed" && (panel.kind === "mixed" || own.kind === "other" || own.kind === "expression") ? own : panel;
  const [instant, range] = [flag(raw.instant), flag(raw.range)];
  const out: Target = {
    refId,
    expr: text(raw.expr),
    legendFormat: text(raw.legendFormat),
    instant,
    range: range || !instant,
    format: word(raw.format, ["time_series", "table", "heatmap"]),
    interval: text(raw.interval) || (number(raw.step) && raw.interval === undefined && raw.intervalFactor === undefined ? `${number(raw.step)}s` : ""),
    intervalFactor: Math.max(1, number(raw.intervalFactor) ?? 1),
    hide: flag(raw.hide),
    exemplar: flag(raw.exemplar),
    path,
  };
  if (source.kind === "dashboard") out.panelId = number(raw.panelId);
  else if (source.kind === "other") out.undrawable = `asks ${source.name}, which is not here`;
  else if (source.kind === "expression") out.undrawable = "is an expression that Grafana's server evaluates";
  else if (source.kind === "grafana") out.undrawable = "is one of Grafana's own queries";
  return out;
}

function readTransformation(raw: Json): Transformation {
  const out: Transformation = { id: text(raw.id), options: object(raw.options), disabled: flag(raw.disabled) };
  if (isObject(raw.filter) && typeof raw.filter.id === "string") out.filter = { id: raw.filter.id, options: raw.filter.options };
  if (typeof raw.topic === "string") out.topic = raw.topic;
  return out;
}

function readDashboardLink(raw: Json): DashboardLink {
  return {
    type: raw.type === "dashboards" ? "dashboards" : "link",
    title: text(raw.title),
    url: text(raw.url),
    newTab: flag(raw.targetBlank),
    tags: texts(raw.tags),
    asDropdown: flag(raw.asDropdown),
    includeVars: flag(raw.includeVars),
    keepTime: flag(raw.keepTime),
    tooltip: text(raw.tooltip),
  };
}

/** As Grafana adds its built-in ones to a file that has none. */
function withOwn(annotations: AnnotationQuery[]): AnnotationQuery[] {
  if (annotations.some((one) => one.from === "bellbuoy")) return annotations;
  return [{ name: "Alerts and deployments", enabled: true, hidden: false, color: "red", expr: "", from: "bellbuoy", titleFormat: "", textFormat: "", step: "" }, ...annotations];
}

function readAnnotation(raw: Json, all: Sources): AnnotationQuery[] {
  const source = all.of(raw.datasource);
  const own = source.kind === "grafana" || raw.builtIn === 1 || raw.builtIn === true;
  const expr = text(raw.expr) || text(object(raw.target).expr);
  if (!own && (source.kind === "other" || expr === "")) return [];
  return [
    {
      name: text(raw.name, "Annotations"),
      enabled: flag(raw.enable, true),
      hidden: flag(raw.hide),
      color: text(raw.iconColor, "blue"),
      expr: own ? "" : expr,
      from: own ? "bellbuoy" : "prometheus",
      titleFormat: text(raw.titleFormat),
      textFormat: text(raw.textFormat),
      step: text(raw.step) || text(object(raw.target).interval),
    },
  ];
}
