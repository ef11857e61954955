/**
 * show: frames as the cells of a heatmap. Pure. In: series of buckets (`le`), or plain series to be counted. Out: moments, bands of values, one number for each cell.
 */
import type { Frame } from "../dashboard/model";
import { record, nameOf } from "./kit";
import { timeField } from "./lines";

export interface Cells {
  /** Left ends of the columns; `stepMs` is their width. */
  timesMs: number[];
  stepMs: number;
  /** From low to high. */
  bands: { low: number; high: number; name: string }[];
  /** `[column][band]`. */
  counts: (number | null)[][];
  max: number;
  min: number;
}

const COLUMNS_MAX = 2000;
const BANDS_MAX = 500;

export function cellsOf(frames: Frame[], options: Record<string, unknown>, fromMs: number, toMs: number, stepMs: number): Cells | undefined {
  const calculate = options.calculate === true;
  const cells = calculate ? counted(frames, record(options.calculation), fromMs, toMs) : buckets(frames, stepMs, record(options.rowsFrame).layout);
  if (!cells || cells.timesMs.length === 0 || cells.bands.length === 0) return undefined;
  let max = -Infinity;
  let min = Infinity;
  for (const column of cells.counts) {
    for (const count of column) {
      if (count === null || !Number.isFinite(count)) continue;
      max = Math.max(max, count);
      if (count > 0) min = Math.min(min, count);
    }
  }
  return { ...cells, max: Number.isFinite(max) ? max : 0, min: Number.isFinite(min) ? min : 0 };
}

/** Each number field is a band; its name or label `le` is the upper end. */
function buckets(frames: Frame[], stepMs: number, layout: unknown): Omit<Cells, "max" | "min"> | undefined {
  const fields = frames.flatMap((frame) => {
    const time = timeField(frame);
    return time ? frame.fields.filter((field) => field.type === "number").map((field) => ({ field, times: time.values as number[], name: field.labels?.le ?? nameOf(field, frame, frames) })) : [];
  });
  if (fields.length === 0) return undefined;
  const edge = (name: string) => (/^\+?inf(inity)?$/i.test(name) ? Infinity : name.trim() === "" ? NaN : Number(name));
  const numeric = fields.every(({ name }) => !Number.isNaN(edge(name)));
  const sorted = numeric ? [...fields].sort((a, b) => edge(a.name) - edge(b.name)) : fields;
  const kept = sorted.slice(0, BANDS_MAX);
  const timesMs = [...new Set(kept.flatMap(({ times }) => times))].sort((a, b) => a - b).slice(-COLUMNS_MAX);
  const column = new Map(timesMs.map((at, index) => [at, index]));
  const counts = timesMs.map(() => new Array<number | null>(kept.length).fill(null));
  for (const [band, { field, times }] of kept.entries()) {
    for (const [at, time] of times.entries()) {
      const value = field.values[at];
      const index = column.get(time);
      if (index !== undefined && typeof value === "number" && Number.isFinite(value)) counts[index]![band] = value;
    }
  }
  const lower = layout === "ge";
  const bands = kept.map(({ name }, at) => {
    if (!numeric) return { low: at, high: at + 1, name };
    const own = edge(name);
    const before = at > 0 ? edge(kept[at - 1]!.name) : own > 0 ? 0 : -Infinity;
    return lower ? { low: own, high: at + 1 < kept.length ? edge(kept[at + 1]!.name) : Infinity, name } : { low: before, high: own, name };
  });
  const typical = stepMs > 0 ? stepMs : timesMs.length > 1 ? (timesMs.at(-1)! - timesMs[0]!) / (timesMs.length - 1) : 60_000;
  return { timesMs, stepMs: typical, bands, counts };
}

/** How many samples of all series fell into each cell. */
function counted(frames: Frame[], calculation: Record<string, unknown>, fromMs: number, toMs: number): Omit<Cells, "max" | "min"> | undefined {
  const points: [number, number][] = [];
  for (const frame of frames) {
    const time = timeField(frame);
    if (!time) continue;
    for (const field of frame.fields) {
      if (field.type !== "number") continue;
      for (let at = 0; at < frame.length; at++) {
        const value = field.values[at];
        if (typeof value === "number" && Number.isFinite(value)) points.push([time.values[at] as number, value]);
      }
    }
  }
  if (points.length === 0) return undefined;
  const x = record(calculation.xBuckets);
  const y = record(calculation.yBuckets);
  const log = record(y.scale).type === "log";
  const shown = log ? points.filter(([, value]) => value > 0) : points;
  if (shown.length === 0) return undefined;
  const scale = (value: number) => (log ? Math.log10(value) : value);
  let low = Infinity;
  let high = -Infinity;
  for (const [, value] of shown) {
    low = Math.min(low, scale(value));
    high = Math.max(high, scale(value));
  }
  if (high === low) high = low + 1;
  const stepMs = width(x, toMs - fromMs, 40, 60_000);
  const band = width(y, high - low, 20, 0);
  const first = log || y.mode === "count" ? low : Math.floor(low / band) * band;
  const columns = Math.min(COLUMNS_MAX, Math.max(1, Math.ceil((toMs - fromMs) / stepMs)));
  const rows = Math.min(BANDS_MAX, Math.max(1, Math.ceil((high - first) / band + 1e-9)));
  const counts = Array.from({ length: columns }, () => new Array<number | null>(rows).fill(0));
  for (const [at, value] of shown) {
    const column = Math.floor((at - fromMs) / stepMs);
    const row = Math.min(rows - 1, Math.floor((scale(value) - first) / band));
    if (column >= 0 && column < columns && row >= 0) counts[column]![row]!++;
  }
  const back = (value: number) => (log ? 10 ** value : value);
  const bands = Array.from({ length: rows }, (_, row) => ({ low: back(first + row * band), high: back(first + (row + 1) * band), name: "" }));
  return { timesMs: Array.from({ length: columns }, (_, column) => fromMs + column * stepMs), stepMs, bands, counts };
}

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** The width of a bucket as the file says it: a size (`1m`, `0.5`) or how many. */
function width(bucket: Record<string, unknown>, span: number, count: number, otherwise: number): number {
  const text = String(bucket.value ?? "").trim();
  if (bucket.mode !== "count" && text !== "") {
    const found = /^([\d.]+)\s*(ms|[smhdw])$/.exec(text);
    const size = found ? Number(found[1]) * UNITS_MS[found[2]!]! : Number(text);
    if (size > 0 && span / size <= COLUMNS_MAX) return size;
  }
  const wanted = bucket.mode === "count" && Number(text) > 0 ? Math.min(Number(text), 1000) : count;
  const rough = span / wanted;
  if (bucket.mode === "count") return rough || 1;
  if (otherwise > 0) return [1000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000].find((step) => step >= rough) ?? rough;
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
}

/** Counts of numbers in buckets of equal width, for histograms. */
export function histogramOf(values: number[], size: number | undefined, count: number, offset = 0): { low: number; high: number; count: number }[] {
  if (values.length === 0) return [];
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  let step = size && size > 0 ? size : undefined;
  if (step === undefined || (high - low) / step > 1000) {
    const rough = (high - low || Math.abs(low) || 1) / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(rough));
    step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999) ?? rough;
  }
  const first = Math.floor((low - offset) / step + 1e-9) * step + offset;
  const bins = Math.max(1, Math.floor((high - first) / step + 1e-9) + 1);
  const out = Array.from({ length: bins }, (_, at) => ({ low: Number((first + at * step).toPrecision(12)), high: Number((first + (at + 1) * step).toPrecision(12)), count: 0 }));
  for (const value of values) out[Math.min(bins - 1, Math.max(0, Math.floor((value - first) / step + 1e-9)))]!.count++;
  return out;
}
