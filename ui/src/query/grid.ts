/** show: samples on one grid of times, so that lines can be drawn together. In: the API's matrix. Out: values, a gap is null. Pure. */
import type { Labels } from "../shapes";

export interface Series {
  labels: Labels;
  values: (number | null)[];
}

export interface Grid {
  /** Unix seconds, equally far from each other. */
  times: number[];
  series: Series[];
  warnings: string[];
  /** Samples in the answer. */
  samples: number;
}

export interface Range {
  /** Unix seconds. */
  start: number;
  end: number;
  step: number;
}

/** A step that gives about `points` points, not below `least`, in whole seconds above one. */
export function stepOf(seconds: number, points: number, least = 0.25): number {
  const step = Math.max(seconds / points, least);
  return step > 1 ? Math.ceil(step) : Math.ceil(step * 20) / 20;
}

/** A range that ends at `end`, on whole steps, so that points stay where they are at the next turn. */
export function rangeTo(end: number, seconds: number, points: number, least?: number): Range {
  const step = stepOf(seconds, points, least);
  const last = Math.floor(end / step) * step;
  return { start: last - Math.floor(seconds / step) * step, end: last, step };
}

/** How far back a chart goes that begins with its data, and what is first of them is this old: with a little room, two minutes at least. */
export function reachOf(ageSeconds: number, most: number): number {
  return Math.min(Math.max(ageSeconds * 1.03, 120), most);
}

export function number(text: string): number {
  return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}

export function grid(result: { metric: Labels; values?: [number, string][] }[], { start, end, step }: Range): Omit<Grid, "warnings"> {
  const count = Math.min(Math.floor((end - start) / step + 1e-6) + 1, 20_000);
  const times = Array.from({ length: Math.max(count, 0) }, (_, index) => start + index * step);
  let samples = 0;
  const series = result.map(({ metric, values = [] }) => {
    const line: (number | null)[] = new Array(times.length).fill(null);
    for (const [at, text] of values) {
      const index = Math.round((at - start) / step);
      const value = number(text);
      // A chart has no place for NaN and infinity: a gap.
      if (index >= 0 && index < line.length) line[index] = Number.isFinite(value) ? value : null;
      samples += 1;
    }
    return { labels: metric, values: line };
  });
  return { times, series, samples };
}
