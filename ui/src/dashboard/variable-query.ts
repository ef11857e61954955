/**
 * show: the query of a variable (`label_values(up, job)`, `query_result(...)`, ...) becomes its list of options.
 *
 * In: the query with its own variables filled in, a regex, an order, a range. Out: options, no value twice, at most `OPTIONS_MAX`.
 */
import { list, object, pattern, text } from "./loose";
import { metricText, seriesOf } from "./frames";
import type { Ask } from "./model";

export const OPTIONS_MAX = 5000;

export interface OptionsQuery {
  query: string;
  regex: string;
  sort: number;
  fromMs: number;
  toMs: number;
}

export interface FoundOptions {
  options: { text: string; value: string }[];
  problem?: string;
}

export async function askOptions(query: OptionsQuery, ask: Ask, abort?: AbortSignal): Promise<FoundOptions> {
  const found = await askTexts(query, ask, abort);
  const kept = filtered(found, query.regex);
  if (kept === undefined) return { options: [], problem: `its regular expression ${query.regex} cannot be read` };
  const sorted = sortOptions(kept, query.sort);
  if (sorted.length > OPTIONS_MAX) return { options: sorted.slice(0, OPTIONS_MAX), problem: `has ${sorted.length} values; the first ${OPTIONS_MAX} are offered` };
  return { options: sorted };
}

async function askTexts({ query, fromMs, toMs }: OptionsQuery, ask: Ask, abort?: AbortSignal): Promise<string[]> {
  const range = { start: fromMs / 1000, end: toMs / 1000 };
  const trimmed = query.trim();
  const names = /^label_names\((.*)\)\s*$/s.exec(trimmed);
  if (names) {
    const answer = await ask("labels", { ...range, "match[]": names[1]!.trim() === "" ? undefined : names[1]!.trim() }, abort);
    return list(answer.data).map(String);
  }
  const values = /^label_values\((?:(.+),\s*)?([a-zA-Z_$][\w.$]*|"(?:[^"\\]|\\.)*")\s*\)\s*$/s.exec(trimmed);
  if (values) return labelValues(values[1]?.trim(), values[2]!.replace(/^"|"$/g, ""), range, ask, abort);
  const metrics = /^metrics\((.*)\)\s*$/s.exec(trimmed);
  if (metrics) {
    const regexp = pattern(metrics[1]!.trim(), "part");
    const answer = await ask("label/__name__/values", range, abort);
    return list(answer.data).map(String).filter((name) => regexp?.test(name) ?? false);
  }
  const result = /^query_result\((.+)\)\s*$/s.exec(trimmed);
  if (result) return resultTexts(result[1]!, range.end, ask, abort);
  const answer = await ask("series", { ...range, "match[]": trimmed }, abort);
  return list(answer.data).map((one) => metricText(object(one) as Record<string, string>));
}

async function labelValues(from: string | undefined, label: string, range: { start: number; end: number }, ask: Ask, abort?: AbortSignal): Promise<string[]> {
  const answer = await ask(`label/${encodeURIComponent(label)}/values`, { ...range, "match[]": from }, abort);
  return list(answer.data).map(String);
}

/** `name{labels} value time`, as Grafana writes results before the regex takes parts of them. */
async function resultTexts(query: string, time: number, ask: Ask, abort?: AbortSignal): Promise<string[]> {
  const { data } = await ask("query", { query, time }, abort);
  const type = object(data).resultType;
  return seriesOf(data).map((one) => {
    if (type === "scalar" || type === "string") return String(one.values[0]);
    const { __name__: name = "", ...labels } = one.labels;
    const written = Object.entries(labels).map(([key, value]) => `${key}="${value}"`).join(",");
    return `${name}{${written}} ${plainNumber(one.values[0])} ${one.times[0]}`;
  });
}

function plainNumber(value: number | string | undefined): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/** Through the regex: named groups `text` and `value`, or the first group, or the whole. `undefined`: no regex. */
export function filtered(found: string[], regex: string): { text: string; value: string }[] | undefined {
  const out = new Map<string, { text: string; value: string }>();
  const add = (value: string, shown = value) => void (out.has(value) || out.set(value, { text: shown, value }));
  if (regex === "") {
    for (const one of found) add(one);
    return [...out.values()];
  }
  const regexp = pattern(regex);
  if (!regexp) return undefined;
  const named = /\(\?<(text|value)>/.test(regexp.source);
  const all = new RegExp(regexp.source, `${regexp.flags.replace("g", "")}g`);
  for (const one of found) {
    if (named) {
      const groups: { text?: string; value?: string } = {};
      for (const match of one.matchAll(all)) {
        groups.text ??= match.groups?.text;
        groups.value ??= match.groups?.value;
      }
      const value = groups.value ?? groups.text;
      if (value !== undefined) add(value, groups.text ?? value);
      continue;
    }
    const match = regexp.exec(one);
    if (match) add(match.length > 1 ? (match[1] ?? "") : one);
  }
  return [...out.values()];
}

/** 0 as found; 1, 2 by letters; 3, 4 by the first number; 5, 6 by letters whatever their case; 7, 8 natural. Even: backwards. */
export function sortOptions(options: { text: string; value: string }[], sort: number): { text: string; value: string }[] {
  if (sort < 1 || sort > 8) return options;
  const kind = Math.ceil(sort / 2);
  const firstNumber = (value: string) => Number(/\d+/.exec(value)?.[0] ?? -1);
  const natural = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const order = {
    1: (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0),
    2: (a: string, b: string) => firstNumber(a) - firstNumber(b),
    3: (a: string, b: string) => (a.toLowerCase() < b.toLowerCase() ? -1 : a.toLowerCase() > b.toLowerCase() ? 1 : 0),
    4: (a: string, b: string) => natural.compare(a, b),
  }[kind]!;
  const sorted = [...options].sort((a, b) => order(text(a.text), text(b.text)));
  return sort % 2 === 0 ? sorted.reverse() : sorted;
}
