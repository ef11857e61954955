/**
 * show: the marks behind a dashboard's charts: its own queries, and alerts and deployments that the server knows.
 *
 * In: the dashboard, its scope, two ways to ask. Out: marks in the order of time, at most `ANNOTATIONS_MAX`; a query that fails is said, the others stand.
 */
import { colorByName } from "./colors";
import { fillExpression } from "./expression";
import { fillLegend, seriesOf } from "./frames";
import { durationMs, POINTS_MAX } from "./interval";
import { lookupIn } from "./interpolate";
import { object, objects, text, texts } from "./loose";
import type { Annotation, AnnotationQuery, Ask, Dashboard, Scope } from "./model";

export const ANNOTATIONS_MAX = 1000;
const STEP_MS = 60_000;

/** GET of the server's own API, with its envelope taken off. */
export type AskOwn = (path: string, params: Record<string, string | number | readonly string[] | undefined>, abort?: AbortSignal) => Promise<unknown>;

export interface Found {
  annotations: Annotation[];
  problems: string[];
}

/** `enabled`: names of the queries that are on, when a person changed them. */
export async function askAnnotations(dashboard: Dashboard, scope: Scope, ask: Ask, own: AskOwn, enabled?: ReadonlySet<string>, abort?: AbortSignal): Promise<Found> {
  const queries = dashboard.annotations.filter((one) => (enabled ? enabled.has(one.name) : one.enabled));
  const found = await Promise.allSettled(queries.map((query) => (query.from === "bellbuoy" ? askServer(query, scope, own, abort) : askPrometheus(query, scope, ask, abort))));
  if (abort?.aborted) throw abort.reason;
  const out: Found = { annotations: [], problems: [] };
  found.forEach((one, at) => {
    if (one.status === "fulfilled") out.annotations.push(...one.value);
    else out.problems.push(`annotations "${queries[at]!.name}": ${one.reason instanceof Error ? one.reason.message : String(one.reason)}`);
  });
  out.annotations.sort((a, b) => a.fromMs - b.fromMs);
  if (out.annotations.length > ANNOTATIONS_MAX) {
    out.problems.push(`${out.annotations.length} annotations were found; the newest ${ANNOTATIONS_MAX} are shown`);
    out.annotations = out.annotations.slice(-ANNOTATIONS_MAX);
  }
  return out;
}

async function askServer(_query: AnnotationQuery, scope: Scope, own: AskOwn, abort?: AbortSignal): Promise<Annotation[]> {
  const data = object(await own("api/bellbuoy/annotations", { start: scope.fromMs / 1000, end: scope.toMs / 1000 }, abort));
  return objects(data.annotations).flatMap((one) => {
    const fromMs = Date.parse(text(one.start));
    if (Number.isNaN(fromMs) || one.state === "pending") return [];
    const endMs = Date.parse(text(one.end));
    const alert = one.kind === "alert";
    const toMs = Number.isNaN(endMs) ? (alert ? scope.toMs : undefined) : endMs;
    const color = alert ? "red" : one.kind === "deployment" ? "blue" : "purple";
    return [{ fromMs, ...(toMs === undefined ? {} : { toMs }), title: text(one.title), text: text(one.text), color: colorByName(color, "dark"), tags: texts(one.tags) }];
  });
}

async function askPrometheus(query: AnnotationQuery, scope: Scope, ask: Ask, abort?: AbortSignal): Promise<Annotation[]> {
  const wanted = durationMs(query.step) ?? STEP_MS;
  const stepMs = Math.max(wanted, Math.ceil((scope.toMs - scope.fromMs) / POINTS_MAX / 1000) * 1000, 1000);
  const floor = (ms: number) => Math.floor(ms / stepMs) * stepMs;
  const expr = fillExpression(query.expr, lookupIn(scope, undefined, { __interval: `${stepMs / 1000}s`, __rate_interval: `${(stepMs + scope.scrapeIntervalMs) / 1000}s` }));
  const { data } = await ask("query_range", { query: expr, start: floor(scope.fromMs) / 1000, end: floor(scope.toMs) / 1000, step: stepMs / 1000 }, abort);
  return seriesOf(data).flatMap((series) => {
    const title = fillLegend(query.titleFormat, series.labels) || series.labels.__name__ || query.name;
    const said = { title, text: fillLegend(query.textFormat, series.labels), color: colorByName(query.color, "dark"), tags: Object.entries(series.labels).filter(([name]) => name !== "__name__").map(([name, value]) => `${name}:${value}`) };
    return stretches(series.times, series.values.map(Number), stepMs).map((stretch) => ({ ...stretch, ...said }));
  });
}

/** Points that follow each other are one mark; a value of zero is none. */
export function stretches(times: number[], values: number[], stepMs: number): { fromMs: number; toMs?: number }[] {
  const out: { fromMs: number; toMs?: number }[] = [];
  let last: number | undefined;
  times.forEach((time, at) => {
    const value = values[at]!;
    if (Number.isNaN(value) || value === 0) return;
    const open = out[out.length - 1];
    if (open && last !== undefined && time - last <= stepMs) open.toMs = time;
    else out.push({ fromMs: time });
    last = time;
  });
  return out;
}

