/**
 * show: defaults and overrides of a panel become the config of each column, with its name, position and range.
 *
 * In: frames and the panel's `fieldConfig`. Out: new frames; values are shared, not copied. What the source said of a column wins over defaults,
 * overrides win over both, in the order of the file.
 */
import { isObject, list, number, object, pattern, text, texts } from "./loose";
import type { Field, FieldConfig, FieldConfigSource, Frame, Mapping, Matcher, Thresholds } from "./model";
import { allNames, fieldName } from "./names";
import { reduceField } from "./reduce";
import { readLinks, readMappings, readThresholds } from "./read-config";

export type FieldMatch = (field: Field, frame: Frame, frames: Frame[]) => boolean;

export function applyFieldConfig(frames: Frame[], source: FieldConfigSource): Frame[] {
  const rules = source.overrides.map(({ matcher, properties }) => ({ match: matcherOf(matcher), properties }));
  const made = frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => {
      const config = merged(field.config, source.defaults);
      for (const rule of rules) {
        if (rule.match(field, frame, frames)) for (const property of rule.properties) setProperty(config, property.id, property.value);
      }
      return { ...field, config };
    }),
  }));
  return named(made);
}

/** Names, positions and ranges; also for frames without any config. */
export function named(frames: Frame[]): Frame[] {
  const names = allNames(frames);
  const whole = rangeOf(frames.flatMap((frame) => frame.fields));
  let index = 0;
  for (const frame of frames) {
    for (const field of frame.fields) {
      field.displayName = names.get(field);
      if (field.type !== "number") continue;
      field.seriesIndex = index++;
      const local = field.config.custom.fieldMinMax === true ? rangeOf([field]) : whole;
      field.range = { min: field.config.min ?? local?.min ?? 0, max: field.config.max ?? local?.max ?? 0 };
    }
  }
  return frames;
}

function rangeOf(fields: Field[]): { min: number; max: number } | undefined {
  let [min, max] = [Infinity, -Infinity];
  for (const field of fields) {
    if (field.type !== "number") continue;
    for (const value of field.values) {
      if (typeof value !== "number" || !Number.isFinite(value)) continue;
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  return min <= max ? { min, max } : undefined;
}

function merged(own: FieldConfig, defaults: FieldConfig): FieldConfig {
  const out: FieldConfig = { ...defaults, custom: { ...defaults.custom } };
  for (const [key, value] of Object.entries(own)) {
    if (key !== "custom" && value !== undefined && value !== null) Object.assign(out, { [key]: value });
  }
  Object.assign(out.custom, own.custom);
  return out;
}

/** `unit`, `color`, `custom.lineStyle`, ...: one property of an override. Values are as the file has them. */
export function setProperty(config: FieldConfig, id: string, value: unknown): void {
  if (id.startsWith("custom.")) return setDeep(config.custom, id.slice(7).split("."), value);
  switch (id) {
    case "displayName":
    case "unit":
    case "noValue":
    case "description":
      config[id] = value === null || value === undefined ? undefined : text(value);
      return;
    case "decimals":
    case "min":
    case "max":
      config[id] = number(value) ?? null;
      return;
    case "thresholds":
      config.thresholds = readThresholds(value);
      return;
    case "mappings":
      config.mappings = readMappings(value);
      return;
    case "links":
      config.links = readLinks(value);
      return;
    case "color":
      config.color = isObject(value) ? { mode: text(value.mode, "thresholds"), fixedColor: typeof value.fixedColor === "string" ? value.fixedColor : undefined, seriesBy: value.seriesBy as "last" } : undefined;
      return;
    case "fieldMinMax":
    case "filterable":
      config.custom[id] = value;
  }
}

function setDeep(into: Record<string, unknown>, path: string[], value: unknown): void {
  let at = into;
  for (const key of path.slice(0, -1)) {
    if (key === "__proto__" || key === "constructor") return;
    at[key] = isObject(at[key]) ? { ...(at[key] as object) } : {};
    at = at[key] as Record<string, unknown>;
  }
  const last = path[path.length - 1]!;
  if (last !== "__proto__" && last !== "constructor") at[last] = value;
}

/** An unknown matcher matches nothing. */
export function matcherOf(matcher: Matcher): FieldMatch {
  const options = matcher.options;
  switch (matcher.id) {
    case "byName": {
      const name = text(options);
      return (field, frame, frames) => field.name === name || fieldName(field, frame, frames) === name;
    }
    case "byRegexp": {
      const regexp = pattern(text(options));
      return regexp ? (field, frame, frames) => regexp.test(fieldName(field, frame, frames)) : () => false;
    }
    case "byNames":
      return byNames(object(options));
    case "byType":
      return (field) => field.type === options;
    case "byTypes":
      return (field) => list(options).includes(field.type);
    case "numeric":
      return (field) => field.type === "number";
    case "time":
      return (field) => field.type === "time";
    case "byFrameRefID":
      return (_field, frame) => frame.refId === text(options);
    case "byValue":
      return byValue(object(options));
    case "firstTimeField":
      return (field, frame) => field.type === "time" && frame.fields.find((one) => one.type === "time") === field;
    case "first":
      return (field, frame) => frame.fields[0] === field;
    case "anyMatch":
    case "allMatch":
    case "invertMatch":
      return combined(matcher);
  }
  return () => false;
}

function combined(matcher: Matcher): FieldMatch {
  const parts = (matcher.id === "invertMatch" ? [matcher.options] : list(matcher.options)).filter(isObject).map((one) => matcherOf({ id: text(one.id), options: one.options }));
  return (...on) => {
    if (matcher.id === "anyMatch") return parts.some((part) => part(...on));
    if (matcher.id === "allMatch") return parts.every((part) => part(...on));
    return parts.length === 1 && !parts[0]!(...on);
  };
}

function byNames(options: Record<string, unknown>): FieldMatch {
  const names = new Set(texts(options.names));
  const exclude = options.mode === "exclude";
  return (field, frame, frames) => (names.has(field.name) || names.has(fieldName(field, frame, frames))) !== exclude;
}

/** By what a reducer says of the column: `{reducer, op, value}`. */
function byValue(options: Record<string, unknown>): FieldMatch {
  const [reducer, op, value] = [text(options.reducer, "lastNotNull"), text(options.op, ">="), number(options.value) ?? 0];
  return (field) => {
    const left = reduceField(field, reducer);
    if (typeof left === "boolean") return left;
    return typeof left === "number" ? compare(left, op, value) : compare(NaN, op, value);
  };
}

export function compare(left: number, op: string, right: number): boolean {
  switch (op) {
    case ">":
    case "gt":
      return left > right;
    case "<":
    case "lt":
      return left < right;
    case ">=":
    case "gte":
      return left >= right;
    case "<=":
    case "lte":
      return left <= right;
    case "=":
    case "==":
    case "eq":
      return left === right;
    case "!=":
    case "neq":
      return left !== right;
  }
  return false;
}

export type { Mapping, Thresholds };
