/**
 * show: frames as the columns that a chart of lines needs: one row of times, one column a line, all as long. Pure.
 *
 * In: frames with a time and numbers, after field config. Out: `Lines`. A moment that one series lacks is `undefined` when only the others have it (the line goes
 * on), `null` when the series stopped (the line breaks). Changes no frame.
 */
import type { Field, Frame } from "../dashboard/model";

export type Value = number | null | undefined;

export interface Line {
  field: Field;
  frame: Frame;
  /** Among all number fields, hidden ones too: what colours go by. */
  index: number;
  /** As measured; for tooltips and legends. */
  values: Value[];
  /** As drawn: negated, stacked. */
  drawn: Value[];
  custom: LineStyle;
}

export interface Lines {
  timesMs: number[];
  lines: Line[];
  /** Fill between two lines: [upper, lower] as indices of `lines`. */
  bands: { upper: number; lower: number }[];
}

export interface LineStyle {
  drawStyle: "line" | "bars" | "points";
  interpolation: "linear" | "smooth" | "stepBefore" | "stepAfter";
  lineWidth: number;
  fillOpacity: number;
  gradient: "none" | "opacity" | "hue" | "scheme";
  dash?: number[];
  points: "auto" | "always" | "never";
  pointSize: number;
  /** true: over every gap; a number: over gaps shorter than these milliseconds. */
  spanNulls: boolean | number;
  stacking: "none" | "normal" | "percent";
  stackGroup: string;
  negative: boolean;
  constant: boolean;
  fillBelowTo: string;
  placement: "auto" | "left" | "right" | "hidden";
  scale: { type: "linear" | "log" | "symlog"; base: 2 | 10; threshold: number };
  softMin?: number;
  softMax?: number;
  centeredZero: boolean;
  axisLabel: string;
  axisWidth?: number;
  barAlignment: -1 | 0 | 1;
  barWidth: number;
  hide: { legend: boolean; tooltip: boolean; viz: boolean };
  thresholds: string;
}

export function styleOf(custom: Record<string, unknown>): LineStyle {
  const record = (key: string) => (custom[key] && typeof custom[key] === "object" ? (custom[key] as Record<string, unknown>) : {});
  const stacking = record("stacking");
  const scale = record("scaleDistribution");
  const hide = record("hideFrom");
  const line = record("lineStyle");
  const dash = line.fill === "dash" ? numbers(line.dash, [10, 10]) : line.fill === "dot" ? numbers(line.dash, [2, 6]) : undefined;
  const spanNulls = custom.spanNulls;
  return {
    drawStyle: word(custom.drawStyle, ["line", "bars", "points"]),
    interpolation: word(custom.lineInterpolation, ["linear", "smooth", "stepBefore", "stepAfter"]),
    lineWidth: number(custom.lineWidth, 1),
    fillOpacity: number(custom.fillOpacity, 0),
    gradient: word(custom.gradientMode, ["none", "opacity", "hue", "scheme"]),
    dash,
    points: word(custom.showPoints, ["auto", "always", "never"]),
    pointSize: number(custom.pointSize, 5),
    spanNulls: typeof spanNulls === "number" ? spanNulls : spanNulls === true,
    stacking: word(stacking.mode, ["none", "normal", "percent"]),
    stackGroup: typeof stacking.group === "string" ? stacking.group : "A",
    negative: custom.transform === "negative-Y",
    constant: custom.transform === "constant",
    fillBelowTo: typeof custom.fillBelowTo === "string" ? custom.fillBelowTo : "",
    placement: word(custom.axisPlacement, ["auto", "left", "right", "hidden"]),
    scale: { type: word(scale.type, ["linear", "log", "symlog"]), base: scale.log === 2 ? 2 : 10, threshold: above0(scale.linearThreshold) },
    softMin: optional(custom.axisSoftMin),
    softMax: optional(custom.axisSoftMax),
    centeredZero: custom.axisCenteredZero === true,
    axisLabel: typeof custom.axisLabel === "string" ? custom.axisLabel : "",
    axisWidth: optional(custom.axisWidth),
    barAlignment: custom.barAlignment === -1 || custom.barAlignment === 1 ? custom.barAlignment : 0,
    barWidth: number(custom.barWidthFactor, 0.6),
    hide: { legend: hide.legend === true, tooltip: hide.tooltip === true, viz: hide.viz === true || custom.hidden === true },
    thresholds: typeof record("thresholdsStyle").mode === "string" ? String(record("thresholdsStyle").mode) : "off",
  };
}

/** A logarithm from 0 on has no end. */
function above0(value: unknown): number {
  const found = number(value, 1);
  return found > 0 ? found : 1;
}

/** Old files write numbers as texts. */
function number(value: unknown, otherwise: number): number {
  return optional(value) ?? otherwise;
}

function optional(value: unknown): number | undefined {
  const found = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

function numbers(value: unknown, otherwise: number[]): number[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "number" && one >= 0) && value.some((one) => one > 0) ? (value as number[]).slice(0, 20) : otherwise;
}

function word<T extends string>(value: unknown, words: readonly [T, ...T[]]): T {
  return words.find((one) => one === value) ?? words[0];
}

export const timeField = (frame: Frame): Field | undefined => frame.fields.find((field) => field.type === "time");

/** All number fields of frames that have a time, on one row of times. `nameOf` is for `fillBelowTo`. */
export function linesOf(frames: Frame[], stepMs: number, hidden: ReadonlySet<string>, nameOf: (field: Field, frame: Frame) => string): Lines {
  const drawn: { field: Field; frame: Frame; index: number; times: number[] }[] = [];
  let index = 0;
  for (const frame of frames) {
    const time = timeField(frame);
    for (const field of frame.fields) {
      if (field.type !== "number" && field.type !== "boolean") continue;
      const at = index++;
      if (time) drawn.push({ field, frame, index: at, times: time.values as number[] });
    }
  }
  const timesMs = union([...new Set(drawn.map((one) => one.times))], stepMs);
  const lines: Line[] = [];
  for (const one of drawn) {
    const custom = styleOf(one.field.config.custom);
    if (custom.hide.viz) continue;
    const values = column(one.field, one.times, timesMs, stepMs, custom.spanNulls);
    const shown = custom.negative ? values.map((value) => (typeof value === "number" ? -value : value)) : values;
    lines.push({ field: one.field, frame: one.frame, index: one.index, values, drawn: shown, custom });
  }
  const out: Lines = { timesMs, lines, bands: [] };
  const isHidden = (line: Line) => hidden.has(nameOf(line.field, line.frame));
  stack(out, isHidden);
  below(out, nameOf);
  return out;
}

/** Every moment of any series, rising, and one moment without values where all of them stopped. */
function union(columns: number[][], stepMs: number): number[] {
  const first = columns[0];
  if (!first) return [];
  let all = first;
  if (columns.some((column) => !same(column, first))) {
    const set = new Set<number>();
    for (const column of columns) for (const at of column) set.add(at);
    all = [...set].sort((a, b) => a - b);
  } else if (!rising(first)) {
    all = [...new Set(first)].sort((a, b) => a - b);
  }
  if (!(stepMs > 0)) return all;
  const out: number[] = [];
  for (const at of all) {
    const before = out.at(-1);
    if (before !== undefined && at - before > 1.5 * stepMs) out.push(before + stepMs);
    out.push(at);
  }
  return out;
}

function same(a: number[], b: number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function rising(times: number[]): boolean {
  for (let at = 1; at < times.length; at++) if (times[at]! <= times[at - 1]!) return false;
  return true;
}

function column(field: Field, times: number[], timesMs: number[], stepMs: number, spanNulls: boolean | number): Value[] {
  let own = times;
  let values = field.values as unknown[];
  if (!rising(times)) {
    const order = times.map((_, at) => at).sort((a, b) => times[a]! - times[b]!);
    own = order.map((at) => times[at]!);
    values = order.map((at) => field.values[at]);
  }
  const out: Value[] = new Array(timesMs.length);
  let next = 0;
  const gapMs = typeof spanNulls === "number" ? Math.max(spanNulls, stepMs * 1.5) : stepMs > 0 ? stepMs * 1.5 : Infinity;
  let lastMs = -Infinity;
  for (let at = 0; at < timesMs.length; at++) {
    const now = timesMs[at]!;
    while (next < own.length && own[next]! < now) next++;
    if (next < own.length && own[next] === now) {
      const value = values[next];
      const plain = typeof value === "number" ? (Number.isFinite(value) ? value : null) : typeof value === "boolean" ? Number(value) : null;
      out[at] = plain;
      if (plain !== null) lastMs = now;
    } else {
      const following = own[next];
      out[at] = following === undefined || following - lastMs > gapMs ? null : undefined;
    }
  }
  if (typeof spanNulls === "number") bridge(out, timesMs, spanNulls);
  return out;
}

/** Gaps shorter than `spanMs` are drawn over. */
function bridge(values: Value[], timesMs: number[], spanMs: number): void {
  let last = -1;
  for (let at = 0; at < values.length; at++) {
    if (typeof values[at] !== "number") continue;
    if (last >= 0 && at - last > 1 && timesMs[at]! - timesMs[last]! < spanMs) for (let gap = last + 1; gap < at; gap++) values[gap] = undefined;
    last = at;
  }
}

/** Puts each line of a stack on the one before it. What is below zero stacks downwards. */
export function stack(out: Lines, isHidden: (line: Line) => boolean): void {
  const stacks = new Map<string, { base: Float64Array; last: number; percent: boolean; members: number[] }>();
  for (const [at, line] of out.lines.entries()) {
    if (line.custom.stacking === "none" || isHidden(line)) continue;
    const down = line.custom.negative || (line.drawn.some((value) => typeof value === "number" && value < 0) && !line.drawn.some((value) => typeof value === "number" && value > 0));
    const key = [line.custom.stacking, line.custom.stackGroup, line.custom.drawStyle, line.field.config.unit ?? "", down].join("\u0000");
    const found = stacks.get(key) ?? { base: new Float64Array(out.timesMs.length), last: -1, percent: line.custom.stacking === "percent", members: [] };
    stacks.set(key, found);
    line.drawn = line.drawn.map((value, row) => {
      const sum = found.base[row]! + (typeof value === "number" ? value : 0);
      found.base[row] = sum;
      return typeof value === "number" ? sum : value;
    });
    if (found.last >= 0) out.bands.push({ upper: at, lower: found.last });
    found.last = at;
    found.members.push(at);
  }
  for (const { base, percent, members } of stacks.values()) {
    if (!percent) continue;
    for (const member of members) {
      const line = out.lines[member]!;
      line.drawn = line.drawn.map((value, row) => (typeof value !== "number" ? value : base[row] === 0 ? 0 : (value / Math.abs(base[row]!)) * 1));
    }
  }
}

function below(out: Lines, nameOf: (field: Field, frame: Frame) => string): void {
  for (const [at, line] of out.lines.entries()) {
    if (!line.custom.fillBelowTo) continue;
    const lower = out.lines.findIndex((other) => nameOf(other.field, other.frame) === line.custom.fillBelowTo);
    if (lower >= 0 && lower !== at) out.bands.push({ upper: at, lower });
  }
}
