/**
 * show: links into Grafana's Explore, which is not here. In: an address (`/explore?left=...`, `/explore?panes=...`), or the `internal` part of a data link. Out: the query page with the
 * expressions that are for us, or the reason why there is none. Pure; whole addresses of another server are not looked at.
 */
import { parseDuration } from "../parts/time";
import { write, type Question } from "../query/address";
import { isObject, object, objects, text, type Json } from "./loose";
import { sources } from "./source";

export type Explored = { url: string } | { why: string };

const QUERIES_MAX = 20;

/** `undefined`: no address of Explore. */
export function exploreOf(address: string): Explored | undefined {
  const found = /^\/?explore\/?\?([^#]*)/.exec(address);
  if (!found) return undefined;
  const query = new URLSearchParams(found[1]);
  const panes = query.has("panes") ? Object.values(object(parsed(query.get("panes")))).map(object) : query.has("left") ? [paneOf(parsed(query.get("left")))] : [];
  const all = panes.flatMap((pane) => objects(pane.queries).map((one) => ({ one, pane })));
  if (all.length === 0) return { why: "it leads to Grafana's Explore, without a query that could be asked here" };
  const ours = all.filter(({ one, pane }) => text(one.expr) !== "" && nameOfOther(one, pane) === undefined);
  if (ours.length === 0) {
    const { one, pane } = all[0]!;
    const name = nameOfOther(one, pane);
    return { why: name === undefined ? "it leads to Grafana's Explore with a query that is no PromQL" : `it leads to the data source "${name.slice(0, 80)}" in Grafana's Explore, which is not asked from here` };
  }
  return { url: `query?${write(ours.slice(0, QUERIES_MAX).map(({ one, pane }) => questionOf(text(one.expr), one, object(pane.range))))}` };
}

/** The address of the part of a data link that Grafana calls internal, its variables still in it. */
export function internalAddress(internal: Json): string {
  const { query } = internal;
  const left = { datasource: text(internal.datasourceUid), name: text(internal.datasourceName), queries: [object(query)], range: object(internal.range) };
  // Only what would end the address or its value: `${...}` is filled in later.
  return `/explore?left=${JSON.stringify(left).replace(/[%&#+]/g, encodeURIComponent)}`;
}

function parsed(json: string | null): unknown {
  try {
    return JSON.parse(json ?? "");
  } catch {
    return undefined;
  }
}

/** Old Grafanas write `["now-1h", "now", "Prometheus", {"expr": "up"}]`. */
function paneOf(left: unknown): Json {
  if (!Array.isArray(left)) return object(left);
  const [from, to, datasource, ...rest] = left as unknown[];
  return { datasource, queries: rest.filter((one) => isObject(one) && "expr" in one), range: { from, to } };
}

/** The data source that is none of ours, by its type, else by its name. */
function nameOfOther(query: Json, pane: Json): string | undefined {
  const { of } = sources({});
  for (const source of [of(query.datasource), of(pane.datasource), of(pane.name)]) if (source.kind === "other") return source.name;
  return undefined;
}

function questionOf(expr: string, query: Json, range: Json): Question {
  const from = /^now-(\d+[smhdwy])$/.exec(text(range.from))?.[1];
  const [start, end] = [moment(range.from), moment(range.to)];
  const rangeSeconds = from !== undefined ? (parseDuration(from) ?? 3600) : start !== undefined && end !== undefined && end > start ? end - start : 3600;
  return { expr, tab: query.instant === true && query.range !== true ? "table" : "graph", rangeSeconds: Math.max(1, Math.round(rangeSeconds)), end, stacked: false, exemplars: query.exemplar === true };
}

/** Milliseconds, as a number or its digits, to seconds. */
function moment(of: unknown): number | undefined {
  const ms = typeof of === "number" ? of : typeof of === "string" && /^\d{10,14}$/.test(of) ? Number(of) : NaN;
  return Number.isFinite(ms) && ms > 0 && ms < 8.64e15 ? Math.round(ms / 1000) : undefined;
}
