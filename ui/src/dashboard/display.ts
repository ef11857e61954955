/**
 * show: a value of a column as people read it: text with unit, colour, share of its range.
 *
 * In: a column with its config (after `applyFieldConfig`), theme, time zone. Out: a function of a value. Mappings come first, then unit and decimals.
 */
import { colorByName, continuousColor, paletteColor, paletteColorByName, shadeOf } from "./colors";
import { pattern } from "./loose";
import type { Display, DisplayValue, Field, Mapping, MappingResult, Theme, Thresholds } from "./model";
import { reduceField } from "./reduce";
import { formatUnit, isDateUnit, joined } from "./units";

const DEFAULT_THRESHOLDS: Thresholds = { mode: "absolute", steps: [{ value: -Infinity, color: "green" }, { value: 80, color: "red" }] };

export function displayOf(field: Field, theme: Theme, timezone = "browser", nowMs?: number): Display {
  const { config } = field;
  const unit = unitOf(field);
  const isDate = isDateUnit(unit);
  const scale = scaleOf(field, theme);
  const context = { timezone, nowMs };
  return (value) => {
    const numeric = unit === "string" ? NaN : toNumber(value, isDate);
    const mapped = config.mappings && mappingFor(config.mappings, value);
    const out: DisplayValue = { text: "", numeric };
    if (mapped?.color !== undefined) out.color = colorByName(mapped.color, theme);
    if (mapped?.text !== undefined) out.text = mapped.text;
    else if (!Number.isNaN(numeric) && typeof value !== "boolean") Object.assign(out, formatUnit(unit, numeric, config.decimals, context));
    else out.text = plain(value);
    if (out.text === "" && mapped?.text === undefined) out.text = config.noValue ?? "";
    const scaled = scale(Number.isNaN(numeric) ? -Infinity : numeric);
    out.color ??= scaled.color;
    out.percent = scaled.percent;
    return out;
  };
}

/** Prefix, text and suffix in one. */
export const displayText = (value: DisplayValue): string => joined(value);

function unitOf(field: Field): string | undefined {
  const unit = field.config.unit;
  if (field.type === "time" && !isDateUnit(unit)) return withinMinute(field.values) ? "time:YYYY-MM-DD HH:mm:ss.SSS" : "dateTimeAsSystem";
  if (field.type === "boolean" && !unit?.startsWith("bool")) return "bool";
  if (field.type === "string" && !unit) return "string";
  return unit;
}

/** Then milliseconds tell its times apart. */
function withinMinute(values: unknown[]): boolean {
  return values.length > 1 && Math.abs(Number(values[values.length - 1]) - Number(values[0])) < 60_000;
}

function toNumber(value: unknown, isDate: boolean): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "string" || value.trim() === "") return NaN;
  const read = Number(value);
  return isDate && Number.isNaN(read) ? Date.parse(value) : read;
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

export function mappingFor(mappings: readonly Mapping[], value: unknown): MappingResult | undefined {
  for (const mapping of mappings) {
    const found = one(mapping, value);
    if (found) return found;
  }
  return undefined;
}

function one(mapping: Mapping, value: unknown): MappingResult | undefined {
  const missing = value === null || value === undefined;
  switch (mapping.type) {
    case "value": {
      const key = missing ? "null" : String(value);
      return !missing && Object.hasOwn(mapping.options, key) ? mapping.options[key] : undefined;
    }
    case "range": {
      if (missing || value === "") return undefined;
      const size = typeof value === "number" ? value : parseFloat(String(value));
      const { from, to, result } = mapping.options;
      return !Number.isNaN(size) && size >= (from ?? -Infinity) && size <= (to ?? Infinity) ? result : undefined;
    }
    case "regex": {
      if (missing) return undefined;
      const regexp = pattern(mapping.options.pattern);
      const whole = String(value);
      if (!regexp?.test(whole)) return undefined;
      const { result } = mapping.options;
      return { ...result, text: result.text === undefined ? undefined : whole.replace(regexp, result.text) };
    }
    case "special":
      return special(mapping.options.match, value) ? mapping.options.result : undefined;
  }
}

function special(match: string, value: unknown): boolean {
  const [missing, nan] = [value === null || value === undefined, typeof value === "number" && Number.isNaN(value)];
  switch (match) {
    case "null":
      return missing;
    case "nan":
      return nan;
    case "null+nan":
      return missing || nan;
    case "true":
      return value === true || value === "true";
    case "false":
      return value === false || value === "false";
    case "empty":
      return value === "";
  }
  return false;
}

export interface Scaled {
  percent: number;
  color: string;
  /** Position of the threshold that holds. */
  threshold: number;
}

/** The colour of a value by the field's colour mode, and its share of the range. */
export function scaleOf(field: Field, theme: Theme): (value: number) => Scaled {
  const range = field.range ?? { min: field.config.min ?? 0, max: field.config.max ?? 0 };
  const size = range.max - range.min;
  const thresholds = field.config.thresholds ?? DEFAULT_THRESHOLDS;
  const color = colorFor(field, theme);
  return (value) => {
    const share = value === -Infinity ? 0 : (value - range.min) / size;
    const percent = Number.isNaN(share) ? 0 : share;
    const threshold = activeThreshold(thresholds, value, percent);
    return { percent, threshold, color: color(value, percent, threshold) };
  };
}

export function activeThreshold(thresholds: Thresholds, value: number, percent: number): number {
  const compared = thresholds.mode === "percentage" ? percent * 100 : value;
  let active = 0;
  thresholds.steps.forEach((step, at) => {
    if (at > 0 && compared >= step.value) active = at;
  });
  return active;
}

function colorFor(field: Field, theme: Theme): (value: number, percent: number, threshold: number) => string {
  const { mode = "thresholds", fixedColor } = field.config.color ?? {};
  const index = field.seriesIndex ?? 0;
  if (mode.startsWith("continuous-")) return (_value, percent) => continuousColor(mode, percent, theme) ?? colorByName(undefined, theme);
  switch (mode) {
    case "fixed":
      return () => colorByName(fixedColor ?? "gray", theme);
    case "shades": {
      const color = shadeOf(colorByName(fixedColor ?? "green", theme), index);
      return () => color;
    }
    case "palette-classic-by-name": {
      const color = paletteColorByName(field.displayName ?? field.name, theme);
      return () => color;
    }
    case "thresholds": {
      const steps = (field.config.thresholds ?? DEFAULT_THRESHOLDS).steps;
      return (_value, _percent, threshold) => colorByName(steps[threshold]?.color ?? "gray", theme);
    }
  }
  const color = paletteColor(index, theme);
  return () => color;
}

/** The one colour of a line or slice: of the mode, and where colours go by value, of its last, least or greatest one. */
export function seriesColor(field: Field, theme: Theme): string {
  const mode = field.config.color?.mode ?? "palette-classic";
  const byValue = mode === "thresholds" || mode.startsWith("continuous-");
  const value = byValue ? reduceField(field, { min: "min", max: "max", last: "lastNotNull" }[field.config.color?.seriesBy ?? "last"]) : null;
  return scaleOf({ ...field, config: { ...field.config, color: field.config.color ?? { mode } } }, theme)(typeof value === "number" ? value : -Infinity).color;
}

/** Thresholds with their colours, for lines and areas behind a chart; percentages become values of the range. */
export function thresholdLines(field: Field, theme: Theme): { value: number; color: string }[] {
  const thresholds = field.config.thresholds ?? DEFAULT_THRESHOLDS;
  const { min, max } = field.range ?? { min: 0, max: 100 };
  const at = (value: number) => (thresholds.mode === "percentage" && Number.isFinite(value) ? min + ((max - min) * value) / 100 : value);
  return thresholds.steps.map((step) => ({ value: at(step.value), color: colorByName(step.color, theme) }));
}
