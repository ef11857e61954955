/**
 * show: answers of Prometheus' API become frames, as Grafana shapes them: a frame for each series, a table, or a heatmap's rows.
 *
 * In: `data` of query or query_range and the target. Out: frames with names and types; times in Unix milliseconds, NaN and infinities kept as numbers.
 */
import { isObject, list, object, own } from "./loose";
import type { Field, FieldConfig, Frame, Target } from "./model";
import { TIME, VALUE } from "./names";

type Labels = Record<string, string>;
interface Series {
  labels: Labels;
  times: number[];
  values: (number | string)[];
}

export function framesOf(data: unknown, target: Target, stepMs: number, instant: boolean, tables = 1): Frame[] {
  const type = object(data).resultType;
  const series = seriesOf(data);
  if (target.format === "table") return series.length === 0 ? [] : [tableFrame(series, target, tables)];
  if (type === "scalar" || type === "string") return [scalarFrame(series[0], target, type)];
  const made = series.map((one) => seriesFrame(one, target, stepMs, instant));
  return target.format === "heatmap" && made.length > 0 ? [heatmapFrame(made, target)] : made;
}

export function seriesOf(data: unknown): Series[] {
  const { resultType, result } = object(data);
  if (resultType === "scalar" || resultType === "string") {
    const point = list(result);
    const value = resultType === "string" ? String(point[1] ?? "") : sampleValue(point[1]);
    return point.length === 2 ? [{ labels: {}, times: [Number(point[0]) * 1000], values: [value] }] : [];
  }
  let before: number[] = [];
  return list(result).filter(isObject).map((one) => {
    const points = resultType === "vector" ? [one.value ?? one.histogram] : list(one.values).length > 0 ? list(one.values) : list(one.histograms);
    const series: Series = { labels: labelsOf(one.metric), times: [], values: [] };
    for (const point of points) {
      if (!Array.isArray(point) || point.length !== 2) continue;
      const value: unknown = point[1];
      series.times.push(Math.round(Number(point[0]) * 1000));
      series.values.push(typeof value === "object" && value !== null ? sampleValue((value as { sum?: unknown }).sum) : sampleValue(value));
    }
    // Most series have a point at each step: they share one column of times.
    if (series.times.length === before.length && series.times.every((time, at) => time === before[at])) series.times = before;
    else before = series.times;
    return series;
  });
}

function labelsOf(metric: unknown): Labels {
  const out: Labels = {};
  for (const [name, value] of Object.entries(object(metric))) out[name] = String(value);
  return out;
}

/** Prometheus writes numbers as texts: `NaN`, `+Inf`, `1e+09`. */
export function sampleValue(value: unknown): number {
  if (typeof value === "number") return value;
  if (value === "+Inf" || value === "Inf") return Infinity;
  if (value === "-Inf") return -Infinity;
  return typeof value === "string" && value !== "" ? Number(value) : NaN;
}

const emptyConfig = (): FieldConfig => ({ custom: {} });

function timeField(times: number[], stepMs?: number): Field {
  return { name: TIME, type: "time", values: times, config: { custom: {}, ...(stepMs ? { interval: stepMs } : {}) } };
}

function seriesFrame(series: Series, target: Target, stepMs: number, instant: boolean): Frame {
  const legend = legendOf(series.labels, target);
  const config = emptyConfig();
  if (legend !== undefined) config.displayNameFromDS = legend;
  return {
    name: legend,
    refId: target.refId,
    kind: "timeseries-multi",
    length: series.times.length,
    fields: [timeField(series.times, instant ? undefined : stepMs), { name: VALUE, type: "number", values: series.values, labels: series.labels, config }],
  };
}

function scalarFrame(series: Series | undefined, target: Target, type: unknown): Frame {
  const legend = legendOf({}, target) ?? target.expr;
  const [times, values] = [series?.times ?? [], series?.values ?? []];
  const field: Field = { name: VALUE, type: type === "string" ? "string" : "number", values, config: { custom: {}, displayNameFromDS: legend } };
  return { name: legend, refId: target.refId, length: times.length, fields: [timeField(times), field] };
}

/** `undefined`: the labels say it (`__auto`). */
export function legendOf(labels: Labels, target: Pick<Target, "legendFormat" | "expr">): string | undefined {
  const format = target.legendFormat;
  if (format === "__auto") return Object.keys(labels).length > 0 ? undefined : target.expr;
  const text = format === "" ? metricText(labels) : fillLegend(format, labels);
  return text === "{}" || text === "" ? target.expr : text;
}

export const fillLegend = (format: string, labels: Labels): string => format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_whole, name: string) => own(labels, name) ?? "");

/** `up{instance="a", job="b"}`. */
export function metricText(labels: Labels): string {
  const { __name__: name = "", ...rest } = labels;
  const names = Object.keys(rest).sort();
  return names.length === 0 && name !== "" ? name : `${name}{${names.map((one) => `${one}="${rest[one]}"`).join(", ")}}`;
}

/** All series in one table: time, a column for each label, the value. `tables`: how many queries of the panel make one. */
function tableFrame(series: Series[], target: Target, tables: number): Frame {
  const names = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].sort();
  const times: number[] = [];
  const values: (number | string)[] = [];
  const columns: unknown[][] = names.map(() => []);
  for (const one of series) {
    one.times.forEach((time, at) => {
      times.push(time);
      values.push(one.values[at]!);
      names.forEach((name, column) => columns[column]!.push(name === "le" ? bound(one.labels[name]) : (one.labels[name] ?? "")));
    });
  }
  const labelField = (name: string, at: number): Field => ({ name, type: name === "le" ? "number" : "string", values: columns[at]!, config: { custom: { filterable: true } } });
  const value: Field = { name: tables > 1 ? `${VALUE} #${target.refId}` : VALUE, type: "number", values, config: emptyConfig() };
  return { refId: target.refId, kind: "table", length: times.length, fields: [timeField(times), ...names.map(labelField), value] };
}

const bound = (le: string | undefined): number => (le === undefined ? NaN : sampleValue(le));

/** Cumulative buckets become rows of counts, low to high, over the same times. */
function heatmapFrame(frames: Frame[], target: Target): Frame {
  const rows = frames
    .map((frame) => frame.fields[1]!)
    .map((field, at) => ({ field, times: frames[at]!.fields[0]!.values as number[], le: bound(field.labels?.le ?? field.config.displayNameFromDS) }))
    .sort((a, b) => (Number.isNaN(a.le) || Number.isNaN(b.le) ? 0 : a.le - b.le));
  const times = [...new Set(rows.flatMap((row) => row.times))].sort((a, b) => a - b);
  const place = new Map(times.map((time, at) => [time, at]));
  const byLe = new Map<string, { label: string; values: (number | null)[] }>();
  for (const row of rows) {
    const label = row.field.labels?.le ?? row.field.config.displayNameFromDS ?? "";
    const sum = byLe.get(label) ?? { label, values: times.map(() => null) };
    row.times.forEach((time, at) => {
      const to = place.get(time)!;
      sum.values[to] = (sum.values[to] ?? 0) + Number(row.field.values[at]);
    });
    byLe.set(label, sum);
  }
  const sums = [...byLe.values()];
  const cumulative = rows.every((row) => row.field.labels?.le !== undefined);
  const fields = sums.map(({ label, values }, at): Field => {
    const below = cumulative && at > 0 ? sums[at - 1]!.values : undefined;
    const counts = below ? values.map((value, i) => (value === null ? null : Math.max(0, value - (below[i] ?? 0)))) : values;
    return { name: label, type: "number", values: counts, labels: { le: label }, config: { custom: {}, displayNameFromDS: label } };
  });
  const interval = (frames[0]!.fields[0]!.config as { interval?: number }).interval;
  return { refId: target.refId, kind: "heatmap-rows", length: times.length, fields: [timeField(times, interval), ...fields] };
}
