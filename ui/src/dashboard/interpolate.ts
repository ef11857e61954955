/**
 * show: puts values in the place of `$name`, `${name}`, `${name:format}`, `[[name]]`.
 *
 * In: a text and a way to find values by name. Out: the text. A name that nobody knows stays as it is. What is put in is not looked at again,
 * except custom "all" values, which may hold variables themselves (once).
 */
import { formatDate } from "./dates";
import type { Panel, Scope, Variable, VariableValue } from "./model";

export interface Found {
  name: string;
  value: string | string[];
  text: string | string[];
  /** What to say for all, as written in the dashboard; put in raw. */
  allValue?: string;
  variable?: Variable;
}

export type Lookup = (name: string, path?: string) => Found | undefined;
/** Makes one text of a value; `single` when the variable can hold one value only. */
export type Formatter = (value: string | string[], found: Found) => string;

export const ALL = "$__all";
const PLACE = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}/g;

/** Names of the variables that a text mentions. */
export function mentioned(text: string): string[] {
  return [...text.matchAll(PLACE)].map((m) => m[1] ?? m[2] ?? m[4] ?? "");
}

/** `formatter`: for places that say no format of their own. */
export function interpolate(text: string, lookup: Lookup, formatter: Formatter | string = "glob"): string {
  return replacePlaces(text, lookup, (found, format) => {
    if (found.allValue !== undefined && format !== "text" && format !== "queryparam") return interpolate(found.allValue, lookup, formatter);
    return format === undefined && typeof formatter !== "string" ? formatter(found.value, found) : formatValue(found, format ?? (formatter as string));
  });
}

/** Finds the places; `write` makes the text, given where the place starts. */
export function replacePlaces(text: string, lookup: Lookup, write: (found: Found, format: string | undefined, at: number, length: number) => string): string {
  if (!text.includes("$") && !text.includes("[[")) return text;
  return text.replace(PLACE, (...m: unknown[]) => {
    const [whole, a, b, bFormat, c, path, cFormat] = m as (string | undefined)[];
    const found = lookup(a ?? b ?? c ?? "", path);
    return found === undefined ? whole! : write(found, bFormat ?? cFormat, m[7] as number, whole!.length);
  });
}

/** Values by name: macros first, then what a repetition gave the panel, then the dashboard's variables, then the built-in ones. */
export function lookupIn(scope: Scope, panel?: Pick<Panel, "scoped">, macros: Record<string, string> = {}): Lookup {
  return (name, path) => {
    const plain = (value: string): Found => ({ name, value, text: value });
    if (Object.hasOwn(macros, name)) return plain(macros[name]!);
    if (panel?.scoped && Object.hasOwn(panel.scoped, name)) return foundIn(name, panel.scoped[name]!, scope.variables[name]?.variable);
    if (Object.hasOwn(scope.variables, name)) {
      const { variable, current } = scope.variables[name]!;
      return foundIn(name, current, variable);
    }
    if (name.startsWith("__auto_interval")) return undefined;
    return builtIn(name, path, scope);
  };
}

function foundIn(name: string, current: VariableValue, variable?: Variable): Found {
  const values = Array.isArray(current.value) ? current.value : [current.value];
  if (variable && values.includes(ALL)) {
    const all = variable.options.filter((one) => one.value !== ALL);
    return { name, value: all.map((one) => one.value), text: "All", variable, allValue: variable.allValue === "" ? undefined : variable.allValue };
  }
  return { name, value: current.value, text: current.text, variable };
}

function builtIn(name: string, path: string | undefined, scope: Scope): Found | undefined {
  const plain = (value: string): Found => ({ name, value, text: value });
  switch (name) {
    case "__from":
      return plain(String(Math.round(scope.fromMs)));
    case "__to":
      return plain(String(Math.round(scope.toMs)));
    case "__dashboard":
      return plain(path === "uid" ? (scope.dashboard?.uid ?? "") : (scope.dashboard?.title ?? ""));
    case "__timezone":
      return plain(scope.timezone);
    case "__url_time_range":
      return plain(`from=${encodeURIComponent(scope.raw.from)}&to=${encodeURIComponent(scope.raw.to)}`);
    case "__all_variables":
      return plain(Object.keys(scope.variables).map((one) => addressOf(one, scope.variables[one]!.current.value)).join("&"));
    case "__user":
    case "__org":
      return plain("");
    case "timeFilter":
    case "__timeFilter":
      return plain("");
  }
  return undefined;
}

const addressOf = (name: string, value: string | string[]): string =>
  (Array.isArray(value) ? value : [value]).map((one) => `var-${name}=${encodeURIComponent(one)}`).join("&");

export const escapeRegex = (value: string): string => value.replace(/[\\^$*+?.()|[\]{}/]/g, "\\$&");

/** `pipe`, `regex`, `csv`, `json`, ... An unknown format is `glob`, as in Grafana. */
export function formatValue(found: Found, format: string): string {
  const { value, text, name } = found;
  const values = Array.isArray(value) ? value : [value];
  const [kind, ...rest] = format.split(":");
  switch (kind) {
    case "raw":
      return values.join(",");
    case "csv":
      return values.join(",");
    case "pipe":
      return values.join("|");
    case "regex":
      return Array.isArray(value) && values.length !== 1 ? `(${values.map(escapeRegex).join("|")})` : values.map(escapeRegex).join("");
    case "json":
      return JSON.stringify(value);
    case "text":
      return Array.isArray(text) ? text.join(" + ") : text;
    case "queryparam":
      return addressOf(name, found.allValue !== undefined || text === "All" ? ALL : value);
    case "customqueryparam":
      return values.map((one) => `${encodeURIComponent(rest[0] || name)}=${encodeURIComponent((rest[1] ?? "") + one)}`).join("&");
    case "percentencode":
    case "uriencode":
      return encodeURIComponent(glob(values)).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    case "doublequote":
      return values.map((one) => `"${one.replace(/"/g, '\\"')}"`).join(",");
    case "singlequote":
      return values.map((one) => `'${one.replace(/'/g, "\\'")}'`).join(",");
    case "sqlstring":
      return values.map((one) => `'${one.replace(/'/g, "''")}'`).join(",");
    case "html":
      return values.join(", ").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
    case "lucene":
      return lucene(value);
    case "distributed":
      return values.map((one, at) => (at === 0 ? one : `${name}=${one}`)).join(",");
    case "join":
      return values.join(rest[0] ?? ",");
    case "date":
      return dateText(values[0] ?? "", rest.join(":"));
  }
  return glob(values);
}

const glob = (values: string[]): string => (values.length > 1 ? `{${values.join(",")}}` : (values[0] ?? ""));

function lucene(value: string | string[]): string {
  const escape = (one: string) => one.replace(/([!*+\-=<>\s&|()[\]{}^~?:\\/"])/g, "\\$1");
  if (!Array.isArray(value)) return escape(value);
  return value.length === 0 ? "__empty__" : `(${value.map((one) => `"${escape(one)}"`).join(" OR ")})`;
}

function dateText(value: string, pattern: string): string {
  const ms = Number(value);
  if (pattern === "" || pattern === "iso") return Number.isFinite(ms) ? new Date(ms).toISOString() : value;
  if (pattern === "seconds") return String(Math.round(ms / 1000));
  return formatDate(ms, pattern, "utc");
}
