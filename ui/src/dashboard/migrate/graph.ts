/**
 * show: the old `graph` panel becomes `timeseries`; over a category `barchart`, over values `histogram`.
 *
 * In: the panel's JSON. Out: JSON with `options` and `fieldConfig`. Series overrides keep their order; a name between slashes is a regular expression.
 */
import { flag, list, number, object, objects, own, text, type Json } from "../loose";
import { reducerId } from "../reduce";

interface Property {
  id: string;
  value: unknown;
}
interface Override {
  matcher: { id: string; options: unknown };
  properties: Property[];
}

export function migrateGraph(panel: Json): Json {
  const mode = text(object(panel.xaxis).mode, "time");
  const [left, right] = objects(panel.yaxes);
  const yaxes = [left ?? oldAxis(panel, 0), right ?? oldAxis(panel, 1)] as const;
  const defaults: Json = { color: { mode: "palette-classic" }, custom: custom(panel), ...axisDefaults(yaxes[0]) };
  Object.assign(defaults.custom as Json, axisCustom(yaxes[0]));
  if (flag(panel.percentage) && flag(panel.stack) && defaults.unit === undefined) defaults.unit = "percent";
  thresholds(panel, defaults);
  const overrides = [...aliasColors(panel), ...objects(panel.seriesOverrides).flatMap((one) => seriesOverride(one, yaxes[1], panel))];
  const links = list(object(panel.options).dataLinks);
  if (links.length > 0) defaults.links = links;
  const out: Json = { ...panel, type: mode === "histogram" ? "histogram" : mode === "series" ? "barchart" : "timeseries" };
  out.fieldConfig = withOwn(panel.fieldConfig, defaults, overrides);
  out.options = { legend: legend(panel), tooltip: tooltip(panel), ...(out.type === "barchart" ? { xField: "Field" } : {}) };
  if (out.type === "barchart") out.transformations = [...list(panel.transformations), { id: "reduce", options: { reducers: [reducerId(text(list(object(panel.xaxis).values)[0], "sum"))] } }];
  if (out.type === "histogram") out.options = { ...object(out.options), bucketCount: number(object(panel.xaxis).buckets) ?? 30, combine: false };
  return out;
}

/** What the file already says in the new way (unit, links) stays where the old says nothing. */
function withOwn(own: unknown, defaults: Json, overrides: Override[]): Json {
  const from = object(own);
  const before = object(from.defaults);
  const kept = Object.fromEntries(Object.entries(before).filter(([key, value]) => key !== "custom" && value !== undefined && value !== null && defaults[key] === undefined));
  return { defaults: { ...kept, ...defaults }, overrides: [...objects(from.overrides), ...overrides] };
}

/** Before `yaxes`: `y_formats`, `grid.leftMax`, ... */
function oldAxis(panel: Json, at: 0 | 1): Json {
  const grid = object(panel.grid);
  const side = at === 0 ? "left" : "right";
  return { format: list(panel.y_formats)[at] ?? "short", min: grid[`${side}Min`], max: grid[`${side}Max`], logBase: grid[`${side}LogBase`], label: panel[`${side}YAxisLabel`], show: panel["y-axis"] };
}

function axisDefaults(axis: Json): Json {
  const out: Json = {};
  if (text(axis.format) !== "") out.unit = text(axis.format);
  for (const key of ["min", "max", "decimals"]) {
    const size = number(axis[key]);
    if (size !== undefined) out[key] = size;
  }
  return out;
}

function axisCustom(axis: Json): Json {
  const out: Json = {};
  if (text(axis.label) !== "") out.axisLabel = text(axis.label);
  if (axis.show === false) out.axisPlacement = "hidden";
  const log = number(axis.logBase) ?? 1;
  if (log > 1) out.scaleDistribution = { type: "log", log: log === 2 ? 2 : 10 };
  return out;
}

function custom(panel: Json): Json {
  const [bars, lines, points] = [flag(panel.bars), flag(panel.lines, true), flag(panel.points)];
  const drawStyle = bars ? "bars" : lines ? "line" : "points";
  const fill = number(panel.fill) ?? 1;
  const gradient = number(panel.fillGradient) ?? 0;
  const nulls = text(panel.nullPointMode, "null");
  const out: Json = {
    drawStyle,
    lineInterpolation: flag(panel.steppedLine) ? "stepAfter" : "linear",
    lineWidth: bars ? 1 : lines ? (number(panel.linewidth) ?? 1) : 0,
    fillOpacity: bars ? 100 : gradient > 0 ? gradient * 10 : fill * 10,
    gradientMode: gradient > 0 ? "opacity" : "none",
    showPoints: drawStyle === "points" || points ? "always" : "never",
    pointSize: points ? 2 + (number(panel.pointradius) ?? 2) * 2 : 5,
    spanNulls: nulls === "connected",
    barAlignment: 0,
    axisPlacement: "auto",
    stacking: { mode: flag(panel.stack) ? (flag(panel.percentage) ? "percent" : "normal") : "none", group: "A" },
    scaleDistribution: { type: "linear" },
    hideFrom: { legend: false, tooltip: false, viz: false },
    thresholdsStyle: { mode: "off" },
  };
  if (nulls === "null as zero") out.nullAsZero = true;
  if (flag(panel.dashes)) out.lineStyle = dash(panel);
  return out;
}

const dash = (from: Json): Json => ({ fill: "dash", dash: [number(from.dashLength) ?? 10, number(from.spaceLength) ?? 10] });

function aliasColors(panel: Json): Override[] {
  return Object.entries(object(panel.aliasColors)).flatMap(([alias, color]) => (typeof color === "string" ? [{ matcher: { id: "byName", options: alias }, properties: [{ id: "color", value: { mode: "fixed", fixedColor: color } }] }] : []));
}

function seriesOverride(from: Json, right: Json, panel: Json): Override[] {
  const alias = text(from.alias);
  if (alias === "") return [];
  const matcher = /^\/.*\/[a-z]*$/s.test(alias) ? { id: "byRegexp", options: alias } : { id: "byName", options: alias };
  const properties: Property[] = [];
  const set = (id: string, value: unknown) => void properties.push({ id, value });
  for (const [key, value] of Object.entries(from)) overrideProperty(key, value, from, right, panel, set);
  return properties.length === 0 ? [] : [{ matcher, properties }];
}

function overrideProperty(key: string, value: unknown, from: Json, right: Json, panel: Json, set: (id: string, value: unknown) => void): void {
  switch (key) {
    case "yaxis":
      if (number(value) === 2) rightAxis(right, set);
      return;
    case "color":
      return set("color", { mode: "fixed", fixedColor: text(value) });
    case "fill":
      return set("custom.fillOpacity", (number(value) ?? 0) * 10);
    case "fillGradient":
      if ((number(value) ?? 0) > 0) {
        set("custom.gradientMode", "opacity");
        set("custom.fillOpacity", (number(value) ?? 0) * 10);
      }
      return;
    case "fillBelowTo":
      set("custom.fillBelowTo", text(value));
      return set("custom.lineWidth", from.lines === false ? 0 : (number(from.linewidth) ?? number(panel.linewidth) ?? 1));
    case "linewidth":
      return set("custom.lineWidth", number(value) ?? 1);
    case "bars":
      set("custom.drawStyle", flag(value) ? "bars" : "line");
      if (flag(value)) set("custom.fillOpacity", 100);
      return;
    case "lines":
      if (flag(value)) return set("custom.drawStyle", "line");
      if (!flag(from.bars) && !flag(from.points) && from.fillBelowTo === undefined) set("custom.lineWidth", 0);
      return;
    case "points":
      set("custom.showPoints", flag(value) ? "always" : "never");
      if (flag(value) && from.lines === false) set("custom.drawStyle", "points");
      return;
    case "pointradius":
      return set("custom.pointSize", 2 + (number(value) ?? 2) * 2);
    case "dashes":
      return set("custom.lineStyle", flag(value) ? dash(from) : { fill: "solid" });
    case "steppedLine":
      return set("custom.lineInterpolation", flag(value) ? "stepAfter" : "linear");
    case "nullPointMode":
      set("custom.spanNulls", value === "connected");
      return set("custom.nullAsZero", value === "null as zero");
    case "stack":
      return set("custom.stacking", value === false ? { mode: "none", group: "A" } : { mode: flag(panel.percentage) ? "percent" : "normal", group: typeof value === "string" && value !== "true" ? value : "A" });
    case "transform":
      if (value === "negative-Y" || value === "constant") set("custom.transform", value);
      return;
    case "legend":
      return set("custom.hideFrom", { legend: !flag(value, true), tooltip: flag(from.hideTooltip), viz: flag(from.hiddenSeries) });
    case "hideTooltip":
    case "hiddenSeries":
      if (from.legend === undefined) set("custom.hideFrom", { legend: false, tooltip: flag(from.hideTooltip), viz: flag(from.hiddenSeries) });
  }
}

function rightAxis(right: Json, set: (id: string, value: unknown) => void): void {
  set("custom.axisPlacement", right.show === false ? "hidden" : "right");
  for (const [id, value] of Object.entries(axisDefaults(right))) set(id, value);
  const { axisLabel, scaleDistribution } = axisCustom(right);
  if (axisLabel !== undefined) set("custom.axisLabel", axisLabel);
  if (scaleDistribution !== undefined) set("custom.scaleDistribution", scaleDistribution);
}

const LEVELS: Record<string, string> = { critical: "red", warning: "orange", ok: "green" };

/** Lines and areas; `lt` colours what is below. */
function thresholds(panel: Json, defaults: Json): void {
  const all = objects(panel.thresholds).flatMap((one) => {
    const value = number(one.value);
    const color = own(LEVELS, text(one.colorMode)) ?? (text(one.lineColor) || text(one.fillColor) || "red");
    return value === undefined ? [] : [{ value, color, below: one.op === "lt", line: flag(one.line), area: flag(one.fill) }];
  });
  if (all.length === 0) return;
  all.sort((a, b) => a.value - b.value);
  const steps: { value: number | null; color: string }[] = [{ value: null, color: "transparent" }];
  all.forEach((one, at) => {
    if (one.below) {
      steps[steps.length - 1]!.color = one.color;
      steps.push({ value: one.value, color: "transparent" });
      if (at === all.length - 1) return;
    } else steps.push({ value: one.value, color: one.color });
  });
  defaults.thresholds = { mode: "absolute", steps };
  const [line, area] = [all.some((one) => one.line), all.some((one) => one.area)];
  (defaults.custom as Json).thresholdsStyle = { mode: line && area ? "line+area" : line ? "line" : area ? "area" : "off" };
}

const CALCS: [string, string][] = [
  ["min", "min"],
  ["max", "max"],
  ["avg", "mean"],
  ["current", "lastNotNull"],
  ["total", "sum"],
];

export function legend(panel: Json): Json {
  const from = object(panel.legend);
  const shown = flag(from.show, true);
  const calcs = flag(from.values) || flag(from.alignAsTable) ? CALCS.filter(([old]) => flag(from[old])).map(([, id]) => id) : [];
  const sort = CALCS.find(([old]) => old === from.sort)?.[1];
  const out: Json = { showLegend: shown, displayMode: flag(from.alignAsTable) ? "table" : "list", placement: flag(from.rightSide) ? "right" : "bottom", calcs };
  if (sort !== undefined) Object.assign(out, { sortBy: sort, sortDesc: flag(from.sortDesc, true) });
  if (number(from.sideWidth) !== undefined && flag(from.rightSide)) out.width = number(from.sideWidth);
  return out;
}

function tooltip(panel: Json): Json {
  const from = object(panel.tooltip);
  return { mode: flag(from.shared, true) ? "multi" : "single", sort: { 1: "asc", 2: "desc" }[number(from.sort) ?? 0] ?? "none" };
}
