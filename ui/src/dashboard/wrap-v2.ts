/**
 * show: a dashboard of Grafana's second schema (`elements` and `layout`) in the classic form.
 *
 * In: its `spec`. Out: panels with positions (grid, rows, auto grid), tabs as rows with a mark, variables, annotations, links; the paths of its queries.
 */
import { flag, isObject, list, number, object, objects, own, text, type Json } from "./loose";
import type { Path } from "./wrap";

interface Made {
  classic: Json;
  paths: Map<Json, Path>;
  problems: string[];
}

export function classicOfV2(spec: Json, prefix: Path): Made {
  const made: Made = { classic: {}, paths: new Map(), problems: [] };
  const elements = object(spec.elements);
  const panel = (name: string): Json | undefined => elementPanel(elements[name], [...prefix, "elements", name], made);
  const time = object(spec.timeSettings);
  made.classic = {
    title: spec.title,
    uid: spec.uid,
    description: spec.description,
    tags: spec.tags,
    time: { from: time.from, to: time.to },
    refresh: time.autoRefresh,
    timezone: time.timezone,
    graphTooltip: own({ Off: 0, Crosshair: 1, Tooltip: 2 }, text(spec.cursorSync)) ?? 0,
    links: spec.links,
    annotations: { list: objects(spec.annotations).map(annotation) },
    templating: { list: objects(spec.variables).map(variable) },
    panels: layout(object(spec.layout), 0, panel, made, 0).panels,
    schemaVersion: 42,
  };
  return made;
}

type Find = (name: string) => Json | undefined;

/** `y`: the first free line; also where the next one begins. `depth` 0: of the dashboard itself, where tabs are tabs; deeper ones stand one under the other. */
function layout(from: Json, y: number, panel: Find, made: Made, depth: number): { panels: Json[]; y: number } {
  const spec = object(from.spec);
  switch (from.kind) {
    case "GridLayout":
      return grid(objects(spec.items), y, panel, depth);
    case "AutoGridLayout":
      return autoGrid(spec, y, panel);
    case "RowsLayout":
      return sections(objects(spec.rows), y, panel, made, depth, false);
    case "TabsLayout":
      return sections(objects(spec.tabs), y, panel, made, depth, depth === 0);
  }
  if (from.kind !== undefined) made.problems.push(`layout ${text(from.kind)} is not known`);
  return { panels: [], y };
}

function grid(items: Json[], y: number, panel: Find, depth: number): { panels: Json[]; y: number } {
  const panels: Json[] = [];
  let bottom = y;
  for (const item of items) {
    const spec = object(item.spec);
    const at = { x: number(spec.x) ?? 0, y: y + (number(spec.y) ?? 0), w: number(spec.width) ?? 12, h: number(spec.height) ?? 8 };
    bottom = Math.max(bottom, at.y + at.h);
    if (item.kind === "GridLayoutRow") {
      const inner = grid(objects(spec.elements), flag(spec.collapsed) ? 0 : at.y + 1, panel, depth + 1);
      panels.push({ type: "row", depth, title: spec.title, collapsed: spec.collapsed, gridPos: { ...at, x: 0, w: 24, h: 1 }, panels: flag(spec.collapsed) ? inner.panels : [], ...repeatOf(spec) });
      if (!flag(spec.collapsed)) panels.push(...inner.panels);
      continue;
    }
    const found = panel(text(object(spec.element).name));
    if (found) panels.push({ ...found, gridPos: at, ...repeatOf(spec) });
  }
  return { panels, y: bottom };
}

const WIDTHS: Record<string, number> = { narrow: 6, standard: 8, wide: 12 };
const HEIGHTS: Record<string, number> = { short: 5, standard: 8, tall: 14 };

function autoGrid(spec: Json, y: number, panel: Find): { panels: Json[]; y: number } {
  const columns = Math.max(1, Math.min(24, number(spec.maxColumnCount) ?? 3));
  const w = Math.max(Math.floor(24 / columns), own(WIDTHS, text(spec.columnWidthMode)) ?? 0, 1);
  const h = own(HEIGHTS, text(spec.rowHeightMode)) ?? Math.max(3, Math.round((number(spec.rowHeight) ?? 300) / 38));
  const across = Math.max(1, Math.floor(24 / w));
  const found = objects(spec.items).flatMap((item) => {
    const inner = object(item.spec);
    const one = panel(text(object(inner.element).name));
    return one ? [{ ...one, ...repeatOf(inner), conditionalRendering: inner.conditionalRendering }] : [];
  });
  const panels = found.map((one, at) => ({ ...one, gridPos: { x: (at % across) * w, y: y + Math.floor(at / across) * h, w, h } }));
  return { panels, y: y + Math.ceil(found.length / across) * h };
}

/** What a row has inside comes behind it, also when it is closed: its `depth` says how far it goes. */
function sections(rows: Json[], y: number, panel: Find, made: Made, depth: number, tab: boolean): { panels: Json[]; y: number } {
  const panels: Json[] = [];
  let at = y;
  for (const row of rows) {
    const spec = object(row.spec);
    const headless = !tab && flag(spec.hideHeader);
    const collapsed = !tab && !headless && flag(spec.collapse ?? spec.collapsed);
    const inner = layout(object(spec.layout), at + 1, panel, made, depth + 1);
    panels.push({ type: "row", tab, depth, headless, title: spec.title, collapsed, gridPos: { x: 0, y: at, w: 24, h: 1 }, panels: [], ...repeatOf(spec), conditionalRendering: spec.conditionalRendering }, ...inner.panels);
    at = inner.y;
  }
  return { panels, y: at };
}

function repeatOf(spec: Json): Json {
  const repeat = object(spec.repeat);
  if (repeat.mode !== "variable" || typeof repeat.value !== "string") return {};
  return { repeat: repeat.value, repeatDirection: repeat.direction, maxPerRow: repeat.maxPerRow };
}

function elementPanel(element: unknown, path: Path, made: Made): Json | undefined {
  if (!isObject(element)) {
    made.problems.push(`the layout names ${String(path[path.length - 1])}, which is not among the elements`);
    return undefined;
  }
  const spec = object(element.spec);
  if (element.kind === "LibraryPanel") return { id: spec.id, title: spec.title, type: "library", libraryPanel: spec.libraryPanel };
  const group = object(spec.data);
  const data = object(group.spec);
  const queryOptions = object(data.queryOptions);
  const viz = object(spec.vizConfig);
  const vizSpec = object(viz.spec);
  const targets = list(data.queries).map((query, at) => targetOf(object(query), [...path, "spec", "data", "spec", "queries", at, "spec"], made));
  return {
    id: spec.id,
    title: spec.title,
    description: spec.description,
    links: spec.links,
    transparent: spec.transparent,
    type: viz.group ?? viz.kind,
    options: vizSpec.options,
    fieldConfig: vizSpec.fieldConfig,
    targets,
    datasource: { uid: "-- Mixed --" },
    transformations: objects(data.transformations).map((one) => ({ ...object(one.spec), id: object(one.spec).id ?? one.group ?? one.kind })),
    interval: queryOptions.interval,
    maxDataPoints: queryOptions.maxDataPoints,
    timeFrom: queryOptions.timeFrom,
    timeShift: queryOptions.timeShift,
    hideTimeOverride: queryOptions.hideTimeOverride,
  };
}

function targetOf(query: Json, path: Path, made: Made): Json {
  const spec = object(query.spec);
  const inner = object(spec.query);
  const type = text(inner.group) || (inner.kind === "DataQuery" ? "" : text(inner.kind));
  const datasource = { type, uid: text(object(inner.datasource).name) || text(object(spec.datasource).uid) };
  const target: Json = { ...object(inner.spec), refId: spec.refId, hide: spec.hidden, datasource };
  made.paths.set(target, [...path, "query", "spec"]);
  return target;
}

const SORT = ["disabled", "alphabeticalAsc", "alphabeticalDesc", "numericalAsc", "numericalDesc", "alphabeticalCaseInsensitiveAsc", "alphabeticalCaseInsensitiveDesc", "naturalAsc", "naturalDesc"];
const REFRESH = ["never", "onDashboardLoad", "onTimeRangeChanged"];
const HIDE = ["dontHide", "hideLabel", "hideVariable"];
const TYPES: Record<string, string> = { QueryVariable: "query", CustomVariable: "custom", DatasourceVariable: "datasource", IntervalVariable: "interval", TextVariable: "textbox", ConstantVariable: "constant", AdhocVariable: "adhoc", GroupByVariable: "groupby", SwitchVariable: "switch" };

function variable(from: Json): Json {
  const spec = object(from.spec);
  const type = own(TYPES, text(from.kind)) ?? text(from.kind);
  const query = isObject(spec.query) ? object(object(spec.query).spec) : spec.query;
  return {
    ...spec,
    type,
    query: type === "datasource" ? spec.pluginId : query,
    datasource: isObject(spec.query) ? { type: text(object(spec.query).group) || text(object(spec.query).kind).replace(/^DataQuery$/, "") } : spec.datasource,
    sort: Math.max(0, SORT.indexOf(text(spec.sort))),
    refresh: Math.max(0, REFRESH.indexOf(text(spec.refresh))),
    hide: Math.max(0, HIDE.indexOf(text(spec.hide))),
    auto_count: spec.auto_count,
  };
}

function annotation(from: Json): Json {
  const spec = object(from.spec);
  const query = object(spec.query);
  return { ...spec, ...object(query.spec), datasource: { type: text(query.group) || text(query.kind).replace(/^DataQuery$/, ""), uid: object(query.datasource).name }, builtIn: spec.builtIn ? 1 : 0 };
}
