/**
 * show: samples over time. In: an expression, a range. Out: series on one grid of times, a gap is null. Asks at most six questions at a time, so
 * that a page with hundreds of small charts does not fill the server's queue.
 */
import { prom } from "../api";
import type { Labels } from "../shapes";
import { grid, number, type Grid, type Range } from "./grid";

interface Matrix {
  resultType: string;
  result: { metric: Labels; values?: [number, string][]; histograms?: unknown[] }[];
}

const WAITING_MAX = 6;
let under = 0;
const line: (() => void)[] = [];

/** Runs `work` when fewer than six others are under way. */
export async function inTurn<T>(work: () => Promise<T>, abort?: AbortSignal): Promise<T> {
  if (under >= WAITING_MAX) await new Promise<void>((resolve) => line.push(resolve));
  else under += 1;
  try {
    abort?.throwIfAborted();
    return await work();
  } finally {
    const next = line.shift();
    if (next) next();
    else under -= 1;
  }
}

export async function queryRange(query: string, range: Range, limit = 0, abort?: AbortSignal): Promise<Grid> {
  const { start, end, step } = range;
  const params = { query, start, end, step, limit: limit || undefined };
  const data = await inTurn(() => prom<Matrix & { warnings?: string[] }>("query_range", params, abort), abort);
  return { ...grid(data.result ?? [], range), warnings: [] };
}

export async function queryNow(query: string, at?: number, limit = 0, abort?: AbortSignal): Promise<{ labels: Labels; value: number }[]> {
  const data = await inTurn(() => prom<{ resultType: string; result: unknown }>("query", { query, time: at, limit: limit || undefined }, abort), abort);
  if (data.resultType === "scalar") return [{ labels: {}, value: number((data.result as [number, string])[1]) }];
  if (data.resultType !== "vector") return [];
  return (data.result as { metric: Labels; value?: [number, string] }[]).flatMap(({ metric, value }) => (value ? [{ labels: metric, value: number(value[1]) }] : []));
}
