/**
 * show: exemplars behind a query's lines, and where their traces are.
 *
 * In: an expression and a range, a way to ask; labels that others chose. Out: exemplars in the order of time; of too many those that are seen apart from each
 * other; an address to follow, http or https only. Pure but for the asking.
 */
import { list, object, objects, text } from "./loose";
import type { Ask } from "./model";

export interface Exemplar {
  atMs: number;
  value: number;
  labels: Record<string, string>;
  /** Of the series that it belongs to. */
  series: Record<string, string>;
}

/** `exemplarTraceIdDestinations` of a data source. */
export interface ExemplarLink {
  label: string;
  /** With `${__value.raw}` where the label's value goes; empty: it leads to a query. */
  url: string;
  title: string;
  /** The value is an expression for the query page. */
  query?: boolean;
  /** It leads to a data source that is not asked from here: the reason. */
  why?: string;
}

/** Where it leads; without an address the reason why it is not followed. */
export type TraceLink = { title: string; url: string; inside: boolean; why?: undefined } | { title: string; why: string; url?: undefined };

/** What a chart draws at most. */
export const DRAWN_MAX = 200;
/** What is kept of an answer, the newest. */
const KEPT_MAX = 20_000;
const CELL_PX = 9;

export async function askExemplars(query: string, fromMs: number, toMs: number, ask: Ask, abort?: AbortSignal): Promise<Exemplar[]> {
  const { data } = await ask("query_exemplars", { query, start: fromMs / 1000, end: toMs / 1000 }, abort);
  return exemplarsOf(data);
}

export function exemplarsOf(data: unknown): Exemplar[] {
  const out: Exemplar[] = [];
  for (const one of objects(data)) {
    const series = labelsOf(one.seriesLabels);
    for (const found of list(one.exemplars).map(object)) {
      const value = Number(found.value);
      const atMs = Number(found.timestamp) * 1000;
      // A chart has no place for NaN and infinity.
      if (Number.isFinite(value) && Number.isFinite(atMs)) out.push({ atMs, value, labels: labelsOf(found.labels), series });
    }
  }
  return out.sort((a, b) => a.atMs - b.atMs).slice(-KEPT_MAX);
}

const labelsOf = (value: unknown): Record<string, string> => Object.fromEntries(Object.entries(object(value)).map(([name, one]) => [name, text(one)]));

export interface Placed {
  exemplar: Exemplar;
  x: number;
  y: number;
}

/** One for each cell of the picture, the newest; cells grow until there are few enough. What lies on each other can not be told apart anyway. */
export function spread(placed: Placed[], most = DRAWN_MAX): Placed[] {
  for (let cell = CELL_PX; ; cell *= 1.5) {
    const cells = new Map<string, Placed>();
    for (const one of placed) cells.set(`${Math.floor(one.x / cell)} ${Math.floor(one.y / cell)}`, one);
    if (cells.size <= most) return [...cells.values()].sort((a, b) => a.x - b.x || a.y - b.y);
  }
}

/** Where its trace is: the first destination that can be followed and whose label it has, else the reason of the first that can not. */
export function traceLink({ labels }: Exemplar, links: readonly ExemplarLink[]): TraceLink | undefined {
  let not: TraceLink | undefined;
  for (const link of links) {
    const value = Object.hasOwn(labels, link.label) ? labels[link.label]! : "";
    if (value === "") continue;
    if (link.query) return { url: `query?${new URLSearchParams({ "g0.expr": value, "g0.tab": "graph" })}`, inside: true, title: link.title };
    if (link.why) not ??= { title: link.title, why: link.why };
    if (!/^https?:\/\//i.test(link.url)) continue;
    // Values are others' words: none of them becomes more than a part of the path or of the query.
    const url = link.url.replace(/\$\{__value\.(?:raw|text)(?::\w+)?\}|\$__value/g, () => encodeURIComponent(value));
    try {
      const parsed = new URL(url);
      if (parsed.protocol === "http:" || parsed.protocol === "https:") return { url: parsed.href, inside: false, title: link.title };
    } catch {
      // No address: the next one.
    }
  }
  return not;
}
