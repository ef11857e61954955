/**
 * show: the values of a dashboard's variables. Each waits for those that its query mentions; the others are asked at the same time.
 *
 * In: the dashboard, the page's address (`var-NAME=`), the range, a way to ask. Out: for each variable its options and the chosen value.
 * A query that fails is the variable's `problem`; the dashboard is drawn all the same.
 */
import { calculateInterval, durationMs, durationText } from "./interval";
import { ALL, type Lookup, interpolate, lookupIn, mentioned } from "./interpolate";
import type { Ask, Dashboard, Scope, Variable, VariableValue } from "./model";
import { askOptions } from "./variable-query";

type Resolved = Scope["variables"];

/** What the store is called where a dashboard lets people choose among data sources. */
export const STORE = "bellbuoy";

export interface ResolveOptions {
  abort?: AbortSignal;
  /** What was found before: lists that need not be asked again are taken from it. */
  before?: Resolved;
}

export async function resolveVariables(dashboard: Dashboard, fromUrl: URLSearchParams, scope: Scope, ask: Ask, options: ResolveOptions = {}): Promise<Resolved> {
  const out: Resolved = {};
  const byName = new Map(dashboard.variables.map((one) => [one.name, one]));
  const started = new Map<string, Promise<void>>();
  const chain = new Set<string>();
  const start = (variable: Variable): Promise<void> => {
    const known = started.get(variable.name);
    if (known) return known;
    if (chain.has(variable.name)) return Promise.resolve();
    chain.add(variable.name);
    const needs = dependencies(variable).flatMap((name) => (name !== variable.name && byName.has(name) ? [byName.get(name)!] : []));
    const circle = needs.find((one) => chain.has(one.name) && !started.has(one.name));
    const run = Promise.all(needs.map(start)).then(async () => {
      out[variable.name] = await resolveOne(variable, fromUrl, { ...scope, variables: out }, ask, options);
      if (circle) out[variable.name]!.variable.problem ??= `"${variable.name}" and "${circle.name}" wait for each other`;
    });
    chain.delete(variable.name);
    started.set(variable.name, run);
    return run;
  };
  await Promise.all(dashboard.variables.map(start));
  return Object.fromEntries(dashboard.variables.map((one) => [one.name, out[one.name]!]));
}

export const dependencies = (variable: Variable): string[] => [...new Set(mentioned(`${variable.query} ${variable.regex} ${variable.allValue}`))];

async function resolveOne(variable: Variable, fromUrl: URLSearchParams, scope: Scope, ask: Ask, options: ResolveOptions): Promise<Resolved[string]> {
  const chosen = fromUrl.has(`var-${variable.name}`) ? fromUrl.getAll(`var-${variable.name}`) : undefined;
  const made: Variable & { asked?: string } = { ...variable };
  switch (variable.type) {
    case "query":
      if (variable.problem === undefined) await askInto(made, scope, ask, options);
      break;
    case "custom":
      made.options = customOptions(interpolate(variable.query, lookupIn(scope)));
      break;
    case "interval":
      return { variable: made, current: intervalValue(made, chosen?.[0], scope) };
    case "datasource":
      made.options = [{ text: STORE, value: STORE }];
      return { variable: made, current: { text: STORE, value: STORE } };
    case "textbox":
    case "constant": {
      const own = interpolate(textOf(variable.current.value) || variable.query, lookupIn(scope));
      const value = variable.type === "constant" ? own : (chosen?.[0] ?? own);
      return { variable: made, current: { text: value, value } };
    }
    case "adhoc":
      if (chosen) made.filters = chosen.flatMap(readFilter);
      return { variable: made, current: { text: "", value: made.filters.map(filterAddress) } };
    case "switch": {
      const value = chosen?.[0] ?? textOf(variable.current.value) ?? "";
      return { variable: made, current: { text: value, value } };
    }
    default:
      return { variable: made, current: chosen ? { text: chosen, value: chosen } : variable.current };
  }
  if (made.includeAll) made.options = [{ text: "All", value: ALL }, ...made.options.filter((one) => one.value !== ALL)];
  return { variable: made, current: chosen ? fromAddress(made, chosen) : stillThere(made) };
}

const textOf = (value: string | string[]): string => (Array.isArray(value) ? (value[0] ?? "") : value);

async function askInto(variable: Variable & { asked?: string }, scope: Scope, ask: Ask, { abort, before }: ResolveOptions): Promise<void> {
  const lookup = queryLookup(scope);
  const query = interpolate(variable.query, lookup, variableFormat);
  const regex = interpolate(variable.regex, lookup, "regex");
  const key = JSON.stringify([query, regex, variable.refresh === 2 ? [scope.fromMs, scope.toMs] : ""]);
  const known = before?.[variable.name]?.variable as (Variable & { asked?: string }) | undefined;
  if (known?.asked === key && known.problem === undefined) {
    variable.options = known.options.filter((one) => one.value !== ALL);
    variable.asked = key;
    return;
  }
  if (query.trim() === "") {
    variable.problem = "its query is empty";
    return;
  }
  try {
    const found = await askOptions({ query, regex, sort: variable.sort, fromMs: scope.fromMs, toMs: scope.toMs }, ask, abort);
    variable.options = found.options;
    variable.problem = found.problem;
    variable.asked = key;
  } catch (error) {
    if (abort?.aborted) throw error;
    variable.problem = error instanceof Error ? error.message : String(error);
    variable.options = [];
  }
}

/** In queries of variables a range is the dashboard's. */
function queryLookup(scope: Scope): Lookup {
  const rangeMs = scope.toMs - scope.fromMs;
  const seconds = Math.max(1, Math.round(rangeMs / 1000));
  const step = durationText(calculateInterval(rangeMs, 1000, scope.scrapeIntervalMs));
  const rate = durationText(4 * scope.scrapeIntervalMs);
  return lookupIn(scope, undefined, { __range: `${seconds}s`, __range_s: String(seconds), __range_ms: String(rangeMs), __interval: step, __rate_interval: rate });
}

/** As in expressions: several values are a regular expression. */
function variableFormat(value: string | string[], found: { variable?: Variable }): string {
  if (!Array.isArray(value) && !found.variable?.multi && !found.variable?.includeAll) return value.replace(/[\\"]/g, "\\$&");
  const values = Array.isArray(value) ? value : [value];
  const escaped = values.map((one) => one.replace(/[\\^$*+?.()|[\]{}]/g, "\\\\$&").replace(/"/g, '\\"'));
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join("|")})`;
}

/** `a, b`, `text : value`, `\,` is a comma. */
export function customOptions(query: string): { text: string; value: string }[] {
  const parts = query.match(/(?:\\,|[^,])+/g) ?? [];
  return parts.map((part) => {
    const bare = part.replace(/\\,/g, ",").trim();
    const pair = /^\s*(.+)\s:\s(.+)$/.exec(bare);
    return pair ? { text: pair[1]!.trim(), value: pair[2]!.trim() } : { text: bare, value: bare };
  });
}

function intervalValue(variable: Variable, chosen: string | undefined, scope: Scope): VariableValue {
  const parts = variable.query.match(/(["'])(.*?)\1|[^\s,]+/g) ?? [];
  variable.options = parts.map((part) => part.replace(/["']/g, "")).map((value) => ({ text: value, value }));
  const auto = `$__auto_interval_${variable.name}`;
  if (variable.auto) variable.options.unshift({ text: "auto", value: auto });
  const saved = textOf(variable.current.value);
  const wanted = chosen ?? (saved.startsWith("$__auto") ? auto : saved);
  const value = variable.options.some((one) => one.value === wanted) || chosen ? wanted : (variable.options[0]?.value ?? "");
  if (!value.startsWith("$__auto")) return { text: value, value };
  const step = calculateInterval(scope.toMs - scope.fromMs, variable.auto?.count ?? 30, durationMs(variable.auto?.minInterval ?? "10s") ?? 10_000);
  return { text: "auto", value: durationText(step) };
}

/** What the address asks for stays, also when it is not among the options: the link was made when it was. */
function fromAddress(variable: Variable, chosen: string[]): VariableValue {
  const wanted = chosen.map((value) => (value === "All" && variable.includeAll && !variable.options.some((one) => one.value === "All") ? ALL : value));
  if (wanted.includes(ALL)) return variable.multi ? { text: ["All"], value: [ALL] } : { text: "All", value: ALL };
  const shown = (value: string) => variable.options.find((one) => one.value === value || one.text === value);
  const values = wanted.map((value) => shown(value)?.value ?? value);
  const said = wanted.map((value) => shown(value)?.text ?? value);
  if (variable.multi) return { text: said, value: values };
  return { text: said[0] ?? "", value: values[0] ?? "" };
}

/** What the file says, where it still exists; else the first option. */
function stillThere(variable: Variable): VariableValue {
  const { options, current } = variable;
  const wanted = (Array.isArray(current.value) ? current.value : [current.value]).filter((value) => value !== "");
  const isAll = wanted.includes(ALL) || (wanted.length === 1 && wanted[0] === "All" && variable.includeAll && !options.some((one) => one.value === "All"));
  if (isAll && variable.includeAll) return variable.multi ? { text: ["All"], value: [ALL] } : { text: "All", value: ALL };
  const kept = wanted.flatMap((value) => options.find((one) => one.value === value) ?? []);
  const first = kept.length > 0 ? kept : options.slice(0, 1);
  if (variable.multi) return { text: first.map((one) => one.text), value: first.map((one) => one.value) };
  return { text: first[0]?.text ?? "", value: first[0]?.value ?? "" };
}

/** Of an ad hoc filter in the address: `key|operator|value`, with `__gfp__` for a bar. */
function readFilter(value: string): Variable["filters"] {
  const [key, operator, ...rest] = value.split("|").map((part) => part.replace(/__gfp__/g, "|").replace(/__gfc__/g, ","));
  return key && operator && rest.length > 0 ? [{ key, operator, value: rest[0]! }] : [];
}

const filterAddress = (filter: Variable["filters"][number]): string => [filter.key, filter.operator, filter.value].map((part) => part.replace(/\|/g, "__gfp__")).join("|");

/** The part of an address that says what was chosen: `var-job`: `["a", "b"]`. */
export function variablesAddress(variables: Resolved): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (const [name, { variable, current }] of Object.entries(variables)) {
    if (variable.type === "constant" || variable.type === "datasource" || variable.type === "unknown") continue;
    if (variable.type === "interval" && current.text === "auto") out[`var-${name}`] = [`$__auto_interval_${name}`];
    else out[`var-${name}`] = Array.isArray(current.value) ? current.value : [current.value];
  }
  return out;
}

/** The address' words for ad hoc filters. */
export const filtersAddress = (filters: Variable["filters"]): string[] => filters.map(filterAddress);
