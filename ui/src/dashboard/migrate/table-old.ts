/**
 * show: the old `table` (and `table-old`) becomes today's: its `styles` become overrides, its `transform` a transformation.
 */
import { flag, list, number, object, objects, own, text, type Json } from "../loose";
import { reducerId } from "../reduce";

export const isOldTable = (panel: Json): boolean => panel.type === "table-old" || (panel.styles !== undefined && panel.fieldConfig === undefined);

export function migrateTable(panel: Json, problems: string[]): Json {
  const overrides = objects(panel.styles).flatMap(styleOverride);
  const defaults: Json = { custom: {}, ...defaultStyle(panel) };
  const out: Json = { ...panel, type: "table", fieldConfig: { defaults, overrides } };
  out.options = { showHeader: flag(panel.showHeader, true), ...sorting(panel) };
  out.transformations = [...list(panel.transformations), ...transformations(panel, problems)];
  return out;
}

function sorting(panel: Json): Json {
  const sort = object(panel.sort);
  const name = typeof sort.col === "string" ? sort.col : undefined;
  return name === undefined ? {} : { sortBy: [{ displayName: name, desc: flag(sort.desc) }] };
}

function transformations(panel: Json, problems: string[]): Json[] {
  const columns = objects(panel.columns).map((one) => reducerId(text(one.value)));
  switch (text(panel.transform)) {
    case "timeseries_aggregations":
      return [{ id: "reduce", options: { reducers: columns.length > 0 ? columns : ["mean"] } }];
    case "timeseries_to_rows":
      return [{ id: "seriesToRows", options: {} }];
    case "timeseries_to_columns":
      return [{ id: "seriesToColumns", options: { byField: "Time" } }];
    case "table":
    case "":
      return [{ id: "merge", options: {} }];
  }
  problems.push(`its "${text(panel.transform)}" is not known`);
  return [];
}

function defaultStyle(panel: Json): Json {
  const style = objects(panel.styles).find((one) => one.pattern === "/.*/");
  if (!style || style.type !== "number") return {};
  const out: Json = {};
  if (text(style.unit) !== "") out.unit = text(style.unit);
  const decimals = number(style.decimals);
  if (decimals !== undefined) out.decimals = decimals;
  return out;
}

function styleOverride(style: Json): Json[] {
  const pattern = text(style.pattern);
  if (pattern === "" || pattern === "/.*/") return [];
  const matcher = /^\/.*\/[a-z]*$/s.test(pattern) ? { id: "byRegexp", options: pattern } : { id: "byName", options: pattern };
  const properties: Json[] = [];
  const set = (id: string, value: unknown) => void properties.push({ id, value });
  if (text(style.alias) !== "") set("displayName", text(style.alias));
  if (text(style.align) !== "" && style.align !== "auto") set("custom.align", text(style.align));
  switch (style.type) {
    case "hidden":
      set("custom.hidden", true);
      break;
    case "date":
      set("unit", `time:${text(style.dateFormat, "YYYY-MM-DD HH:mm:ss")}`);
      break;
    case "number":
    case "string":
      if (style.type === "number" && text(style.unit) !== "") set("unit", text(style.unit));
      if (style.type === "number" && number(style.decimals) !== undefined) set("decimals", number(style.decimals));
      values(style, set);
  }
  if (flag(style.link) && text(style.linkUrl) !== "") set("links", [{ title: text(style.linkTooltip), url: text(style.linkUrl), targetBlank: flag(style.linkTargetBlank) }]);
  return properties.length === 0 ? [] : [{ matcher, properties }];
}

function values(style: Json, set: (id: string, value: unknown) => void): void {
  const colors = list(style.colors).map((color) => text(color, "green"));
  const limits = list(style.thresholds).map((value) => number(value));
  const kept = limits.filter((value) => value !== undefined);
  if (kept.length > 0 && colors.length > 0) set("thresholds", { mode: "absolute", steps: [null, ...kept].slice(0, colors.length).map((value, at) => ({ value, color: colors[at] })) });
  const mode = own({ cell: "color-background", row: "color-background", value: "color-text" }, text(style.colorMode));
  if (mode !== undefined) set("custom.cellOptions", { type: mode });
  const maps = objects(style.valueMaps).map((one) => ({ type: "value", options: { [text(one.value)]: { text: text(one.text) } } }));
  const ranges = objects(style.rangeMaps).map((one) => ({ type: "range", options: { from: number(one.from) ?? null, to: number(one.to) ?? null, result: { text: text(one.text) } } }));
  if (maps.length + ranges.length > 0) set("mappings", [...maps, ...ranges]);
}
