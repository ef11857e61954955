/**
 * show: thresholds, mappings, links and field defaults of the file, old shapes too, as the model has them.
 */
import { internalAddress } from "./explore";
import { flag, isObject, list, number, object, objects, text } from "./loose";
import type { FieldConfig, FieldConfigSource, Link, Mapping, MappingResult, Thresholds } from "./model";

const KNOWN = ["displayName", "displayNameFromDS", "unit", "noValue", "description"] as const;

export function readFieldConfig(value: unknown): FieldConfigSource {
  const source = object(value);
  return { defaults: readDefaults(source.defaults), overrides: objects(source.overrides).flatMap(readOverride) };
}

function readOverride(value: Record<string, unknown>): FieldConfigSource["overrides"] {
  const matcher = object(value.matcher);
  const properties = objects(value.properties).filter((one) => typeof one.id === "string").map((one) => ({ id: text(one.id), value: one.value }));
  return typeof matcher.id === "string" ? [{ matcher: { id: matcher.id, options: matcher.options }, properties }] : [];
}

export function readDefaults(value: unknown): FieldConfig {
  const from = object(value);
  const out: FieldConfig = { custom: { ...object(from.custom) } };
  for (const key of KNOWN) if (from[key] !== undefined && from[key] !== null && from[key] !== "") out[key] = text(from[key]);
  for (const key of ["decimals", "min", "max"] as const) {
    const size = number(from[key]);
    if (size !== undefined) out[key] = size;
  }
  if (isObject(from.thresholds)) out.thresholds = readThresholds(from.thresholds);
  if (Array.isArray(from.mappings)) out.mappings = readMappings(from.mappings);
  if (Array.isArray(from.links)) out.links = readLinks(from.links);
  if (isObject(from.color)) out.color = { mode: text(from.color.mode, "thresholds"), fixedColor: typeof from.color.fixedColor === "string" ? from.color.fixedColor : undefined, seriesBy: from.color.seriesBy as "last" | undefined };
  for (const key of ["fieldMinMax", "filterable"]) if (from[key] !== undefined) out.custom[key] = from[key];
  return out;
}

/** Also the shape before 7: a list of `{value, color}`. */
export function readThresholds(value: unknown): Thresholds | undefined {
  const from = Array.isArray(value) ? { mode: "absolute", steps: value } : object(value);
  const steps = objects(from.steps).map((step, at) => ({ value: at === 0 ? -Infinity : (number(step.value) ?? -Infinity), color: text(step.color, "green") }));
  if (steps.length === 0) return { mode: from.mode === "percentage" ? "percentage" : "absolute", steps: [] };
  const [first, ...rest] = steps;
  return { mode: from.mode === "percentage" ? "percentage" : "absolute", steps: [first!, ...rest.sort((a, b) => a.value - b.value)] };
}

const result = (value: unknown): MappingResult => {
  const from = object(value);
  const out: MappingResult = {};
  if (from.text !== undefined && from.text !== null) out.text = text(from.text);
  if (typeof from.color === "string") out.color = from.color;
  const index = number(from.index);
  if (index !== undefined) out.index = index;
  return out;
};

export function readMappings(value: unknown): Mapping[] {
  return objects(value).flatMap((one): Mapping[] => {
    const options = object(one.options);
    switch (one.type) {
      case "value":
        return [{ type: "value", options: Object.fromEntries(Object.entries(options).map(([key, to]) => [key, result(to)])) }];
      case "range":
        return [{ type: "range", options: { from: number(options.from) ?? null, to: number(options.to) ?? null, result: result(options.result) } }];
      case "regex":
        return [{ type: "regex", options: { pattern: text(options.pattern), result: result(options.result) } }];
      case "special":
        return [{ type: "special", options: { match: text(options.match), result: result(options.result) } }];
    }
    return oldMapping(one);
  });
}

/** Before 8: `{type: 1, value: "0", text: "down"}` and `{type: 2, from, to, text}`. */
function oldMapping(one: Record<string, unknown>): Mapping[] {
  const said: MappingResult = { text: text(one.text), ...(typeof one.color === "string" ? { color: one.color } : {}) };
  if (one.type === 2) return [{ type: "range", options: { from: number(one.from) ?? null, to: number(one.to) ?? null, result: said } }];
  if (one.type !== 1 || one.value === undefined) return [];
  if (one.value === "null" || one.value === null) return [{ type: "special", options: { match: "null", result: said } }];
  return [{ type: "value", options: { [text(one.value)]: said } }];
}

export function readLinks(value: unknown): Link[] {
  return objects(list(value)).flatMap((one) => {
    const url = text(one.url) || (typeof one.dashUri === "string" ? `/d/${one.dashUri}` : "") || (isObject(one.internal) ? internalAddress(one.internal) : "");
    return url === "" ? [] : [{ title: text(one.title), url, newTab: flag(one.targetBlank) }];
  });
}
