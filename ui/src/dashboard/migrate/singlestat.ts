/**
 * show: the old `singlestat` becomes `stat`, or `gauge` where it drew one.
 *
 * In: the panel's JSON. Out: JSON with `options` and `fieldConfig`: value, unit, colours, mappings, sparkline, prefix and postfix.
 */
import { flag, list, number, object, objects, text, type Json } from "../loose";
import { reducerId } from "../reduce";

export function migrateSinglestat(panel: Json): Json {
  const gauge = object(panel.gauge);
  const isGauge = flag(gauge.show);
  const defaults: Json = { color: { mode: "thresholds" }, custom: {} };
  if (text(panel.format) !== "") defaults.unit = text(panel.format);
  const decimals = number(panel.decimals);
  if (decimals !== undefined) defaults.decimals = decimals;
  if (text(panel.nullText) !== "") defaults.noValue = text(panel.nullText);
  const steps = thresholdSteps(panel);
  if (steps.length > 0) defaults.thresholds = { mode: "absolute", steps };
  const mappings = [...valueMaps(panel), ...rangeMaps(panel)];
  if (mappings.length > 0) defaults.mappings = mappings;
  if (isGauge) Object.assign(defaults, { min: number(gauge.minValue) ?? 0, max: number(gauge.maxValue) ?? 100 });
  const column = text(panel.tableColumn);
  const out: Json = { ...panel, type: isGauge ? "gauge" : "stat" };
  const own = object(panel.fieldConfig);
  out.fieldConfig = { defaults: { ...object(own.defaults), ...defaults }, overrides: objects(own.overrides) };
  const calc = text(panel.valueName, "avg");
  const named = calc === "name";
  out.options = {
    reduceOptions: { calcs: [reducerId(named ? "current" : calc)], values: false, fields: column === "" ? "" : `/^${column.replace(/[\\^$*+?.()|[\]{}/]/g, "\\$&")}$/` },
    colorMode: flag(panel.colorBackground) ? "background" : flag(panel.colorValue) ? "value" : "none",
    graphMode: flag(object(panel.sparkline).show) ? "area" : "none",
    textMode: named ? "name" : "auto",
    justifyMode: "auto",
    orientation: "horizontal",
    ...(isGauge ? { showThresholdMarkers: flag(gauge.thresholdMarkers, true), showThresholdLabels: flag(gauge.thresholdLabels) } : {}),
    ...around(panel),
  };
  return out;
}

/** Words before and after the value. */
function around(panel: Json): Json {
  const [prefix, postfix] = [text(panel.prefix), text(panel.postfix)];
  return { ...(prefix === "" ? {} : { prefix }), ...(postfix === "" ? {} : { postfix }) };
}

/** `thresholds: "80,90"` and three `colors`. */
function thresholdSteps(panel: Json): { value: number | null; color: string }[] {
  const colors = list(panel.colors).map((color) => text(color));
  if (colors.length === 0) return [];
  const written = text(panel.thresholds).split(",").map((part) => number(part.trim()));
  const values = written.filter((value) => value !== undefined);
  return [null, ...values].slice(0, colors.length).map((value, at) => ({ value, color: colors[at] || "green" }));
}

/** `mappingType` 1 is values, 2 is ranges; where it is not said both count. */
function valueMaps(panel: Json): Json[] {
  if (number(panel.mappingType) === 2) return [];
  return objects(panel.valueMaps).flatMap((one): Json[] => {
    const value = text(one.value);
    const said = { text: text(one.text) };
    if (value === "null") return said.text === "N/A" && panel.nullText ? [] : [{ type: "special", options: { match: "null", result: said } }];
    return value === "" ? [] : [{ type: "value", options: { [value]: said } }];
  });
}

function rangeMaps(panel: Json): Json[] {
  if (number(panel.mappingType) === 1) return [];
  return objects(panel.rangeMaps).flatMap((one): Json[] => {
    if (text(one.from) === "null" && text(one.to) === "null") return [{ type: "special", options: { match: "null", result: { text: text(one.text) } } }];
    return [{ type: "range", options: { from: number(one.from) ?? null, to: number(one.to) ?? null, result: { text: text(one.text) } } }];
  });
}
