/**
 * show: `stat`, `gauge`, `bargauge`, `piechart` of versions 6 and 7 become today's: `fieldOptions` moves to the field config, and names change.
 */
import { flag, isObject, list, object, objects, text, type Json } from "../loose";
import { reducerId } from "../reduce";

export function migrateValues(panel: Json): Json {
  const options = object(panel.options);
  const out: Json = { ...panel };
  const old = isObject(options.fieldOptions) ? options.fieldOptions : isObject(options.valueOptions) ? fromValueOptions(options) : undefined;
  if (old) Object.assign(out, fromFieldOptions(panel, options, old));
  return withReduce(out);
}

function fromFieldOptions(panel: Json, options: Json, old: Json): Json {
  const own = object(panel.fieldConfig);
  const defaults: Json = { ...object(old.defaults), ...object(own.defaults) };
  if (defaults.thresholds === undefined && Array.isArray(old.thresholds)) defaults.thresholds = { mode: "absolute", steps: objects(old.thresholds).map((step, at) => ({ ...step, value: at === 0 ? null : step.value })) };
  if (defaults.mappings === undefined && Array.isArray(old.mappings)) defaults.mappings = old.mappings;
  if (typeof defaults.title === "string" && defaults.displayName === undefined) defaults.displayName = defaults.title;
  const overrides = [...objects(own.overrides), ...objects(old.overrides)];
  const { fieldOptions: _old, valueOptions: _older, ...rest } = options;
  return { fieldConfig: { defaults, overrides }, options: { ...rest, reduceOptions: { calcs: list(old.calcs).map((one) => reducerId(text(one))), values: flag(old.values), fields: text(old.fields), limit: old.limit } } };
}

/** 6.0: everything lay beside each other in `options`. */
function fromValueOptions(options: Json): Json {
  const value = object(options.valueOptions);
  return {
    calcs: [text(value.stat, "lastNotNull")],
    thresholds: options.thresholds,
    mappings: options.valueMappings ?? options.mappings,
    defaults: { unit: value.unit, decimals: value.decimals, min: options.minValue ?? 0, max: options.maxValue ?? 100 },
  };
}

/** Names of reducers from before, and what is never missing. */
function withReduce(panel: Json): Json {
  const options = object(panel.options);
  const reduce = object(options.reduceOptions);
  const calcs = list(reduce.calcs).map((one) => reducerId(text(one))).filter((one) => one !== "");
  return { ...panel, options: { ...options, reduceOptions: { ...reduce, calcs: calcs.length > 0 ? calcs : ["lastNotNull"], values: flag(reduce.values), fields: text(reduce.fields) } } };
}

/** The plug-in `grafana-piechart-panel`, from before Grafana had its own. */
export function migratePie(panel: Json): Json {
  const values = ["percent", "value"].filter((one) => text(panel.legendType) !== "" && flag(object(panel.legend)[one === "percent" ? "percentage" : "values"]));
  const colors = Object.entries(object(panel.aliasColors)).map(([name, color]) => ({ matcher: { id: "byName", options: name }, properties: [{ id: "color", value: { mode: "fixed", fixedColor: text(color) } }] }));
  const legend = object(panel.legend);
  return {
    ...panel,
    type: "piechart",
    fieldConfig: { defaults: { unit: text(panel.format) || undefined, decimals: panel.decimals, color: { mode: "palette-classic" } }, overrides: colors },
    options: {
      pieType: text(panel.pieType, "pie"),
      reduceOptions: { calcs: [reducerId(text(panel.valueName, "current"))], values: false, fields: "" },
      displayLabels: [],
      legend: { showLegend: flag(legend.show, true), displayMode: "table", placement: /right/i.test(text(panel.legendType)) ? "right" : "bottom", values: values.length > 0 ? values : ["value"] },
      tooltip: { mode: "single" },
    },
  };
}
