/**
 * show: many values become one: last, mean, p95, ... with Grafana's ids.
 *
 * In: a column and the ids wanted. Out: a value for each; `null` when there is nothing to say. Null and NaN are no values and are passed over,
 * except by the ids that are about them (`first`, `last`, `countAll`, `allIsNull`).
 */
import type { Field } from "./model";

export interface Reducer {
  id: string;
  name: string;
}

/** In the order in which Grafana lists them; `p1` to `p99` beside. */
export const REDUCERS: Reducer[] = [
  ["lastNotNull", "Last *"],
  ["last", "Last"],
  ["firstNotNull", "First *"],
  ["first", "First"],
  ["min", "Min"],
  ["max", "Max"],
  ["mean", "Mean"],
  ["median", "Median"],
  ["variance", "Variance"],
  ["stdDev", "StdDev"],
  ["sum", "Total"],
  ["count", "Count"],
  ["countAll", "Count all"],
  ["range", "Range"],
  ["delta", "Delta"],
  ["step", "Step"],
  ["diff", "Difference"],
  ["logmin", "Min (above zero)"],
  ["allIsZero", "All Zeros"],
  ["allIsNull", "All Nulls"],
  ["changeCount", "Change Count"],
  ["distinctCount", "Distinct Count"],
  ["diffperc", "Difference percent"],
  ["allValues", "All values"],
  ["uniqueValues", "All unique values"],
].map(([id, name]) => ({ id: id!, name: name! }));

/** Words of older files. */
const OLD: Record<string, string> = { avg: "mean", current: "lastNotNull", total: "sum", percent: "diffperc", last_time: "lastNotNull", name: "lastNotNull" };

export const reducerId = (id: string): string => (Object.hasOwn(OLD, id) ? OLD[id]! : id);

export function reducerName(id: string): string {
  const known = reducerId(id);
  const percentile = /^p([1-9]\d?)$/.exec(known);
  if (percentile) return `${ordinal(Number(percentile[1]))} %`;
  return REDUCERS.find((one) => one.id === known)?.name ?? id;
}

const ordinal = (n: number): string => `${n}${n % 100 > 10 && n % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th")}`;

export const isReducer = (id: string): boolean => /^p[1-9]\d?$/.test(reducerId(id)) || REDUCERS.some((one) => one.id === reducerId(id));

/** One reduction; unknown ids give `null`. */
export function reduceField(field: Pick<Field, "type" | "values">, id: string): unknown {
  const known = reducerId(id);
  const values = field.values;
  switch (known) {
    case "last":
      return values.length > 0 ? values[values.length - 1] : null;
    case "first":
      return values.length > 0 ? values[0] : null;
    case "lastNotNull":
      for (let at = values.length - 1; at >= 0; at--) if (isValue(values[at])) return values[at];
      return null;
    case "firstNotNull":
      return values.find(isValue) ?? null;
    case "allValues":
      return values;
    case "uniqueValues":
      return [...new Set(values)];
    case "distinctCount":
      return new Set(values.filter((value) => value !== null && value !== undefined)).size;
    case "changeCount":
      return changes(values.filter((value) => value !== null && value !== undefined));
    case "countAll":
      return values.length;
    case "allIsNull":
      return values.every((value) => value === null || value === undefined);
  }
  return numeric(field, known);
}

export function reduceAll(field: Pick<Field, "type" | "values">, ids: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(ids.map((id) => [id, reduceField(field, id)]));
}

const isValue = (value: unknown): boolean => value !== null && value !== undefined && !(typeof value === "number" && Number.isNaN(value));

/** How often the value is another than the one before it. */
function changes(values: unknown[]): number {
  let [count, before]: [number, unknown] = [0, null];
  values.forEach((value, at) => {
    if (at > 0 && value !== before) count++;
    before = value;
  });
  return count;
}

function numeric(field: Pick<Field, "type" | "values">, id: string): unknown {
  const isNumber = field.type === "number" || field.type === "time" || field.type === "boolean";
  const kept = field.values.filter(isValue);
  if (id === "count") return kept.length;
  if (!isNumber) return id === "allIsZero" ? false : null;
  const values = kept.map(Number);
  const percentile = /^p([1-9]\d?)$/.exec(id);
  if (percentile) return nearestRank(values, Number(percentile[1]) / 100);
  switch (id) {
    case "allIsZero":
      return values.length > 0 && values.every((value) => value === 0);
    case "sum":
      return values.reduce((sum, value) => sum + value, 0);
    case "delta":
      return values.length > 0 ? delta(values) : null;
  }
  if (values.length === 0) return null;
  const [first, last] = [values[0]!, values[values.length - 1]!];
  switch (id) {
    case "min":
      return least(values);
    case "max":
      return most(values);
    case "logmin": {
      const above = values.filter((value) => value > 0);
      return above.length > 0 ? least(above) : null;
    }
    case "mean":
      return mean(values);
    case "median":
      return median(values);
    case "variance":
      return variance(values);
    case "stdDev":
      return Math.sqrt(variance(values));
    case "range":
      return most(values) - least(values);
    case "diff":
      return last - first;
    case "diffperc":
      return ((last - first) / first) * 100;
    case "step":
      return step(values);
  }
  return null;
}

export const least = (values: readonly number[]): number => values.reduce((a, b) => (b < a ? b : a), Infinity);
export const most = (values: readonly number[]): number => values.reduce((a, b) => (b > a ? b : a), -Infinity);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function variance(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length;
}

/** Of a counter: what was added. A fall is a new start, and the first step after it is not counted. */
function delta(values: readonly number[]): number {
  let [sum, rising] = [0, true];
  for (let at = 1; at < values.length; at++) {
    const by = values[at]! - values[at - 1]!;
    if (by >= 0 && rising) sum += by;
    rising = by >= 0;
  }
  return sum;
}

/** The smallest rise between neighbours. */
function step(values: readonly number[]): number | null {
  let smallest: number | null = null;
  for (let at = 1; at < values.length; at++) {
    const by = values[at]! - values[at - 1]!;
    if (smallest === null || by < smallest) smallest = by;
  }
  return smallest;
}

function nearestRank(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))]!;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
