/**
 * show: the filter box of alerts. In: what a person typed (`severity="critical" team=~"a|b" latency`). Out: matchers and words, or what is
 * wrong. Pure. Regular expressions are anchored as in Prometheus; a value longer than 1,000 characters is compared by its first 1,000.
 */
import type { Matcher } from "./types";
import type { Labels } from "../shapes";

export interface Filter {
  matchers: Matcher[];
  /** Lower case; each must be somewhere in the name or the labels. */
  words: string[];
  problem?: string;
}

const VALUE_MAX = 1000;
const REGEX_MAX = 300;

const PART = /\s*,?\s*(?:([\p{L}_][\p{L}\p{N}_.:-]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s,"']*))|"((?:[^"\\]|\\.)*)"|([^\s,]+))/uy;

export function read(text: string): Filter {
  const out: Filter = { matchers: [], words: [] };
  const clean = text.trim().replace(/^\{([\s\S]*)\}$/, "$1").trim();
  PART.lastIndex = 0;
  while (PART.lastIndex < clean.length) {
    const found = PART.exec(clean);
    if (!found) break;
    const [, name, op, quoted, single, bare, phrase, word] = found;
    if (name && op) {
      const raw = quoted ?? single;
      const value = raw === undefined ? (bare ?? "") : raw.replaceAll(/\\(.)/g, "$1");
      const matcher = { name, value, isRegex: op.endsWith("~"), isEqual: op.startsWith("=") };
      if (matcher.isRegex && !regex(value)) out.problem = `${name}${op}: "${value.slice(0, 40)}" is not a regular expression`;
      out.matchers.push(matcher);
    } else {
      const said = (phrase ?? word ?? "").toLowerCase();
      if (said !== "") out.words.push(said);
    }
  }
  return out;
}

/** As it is typed. */
export function written(matcher: Matcher): string {
  const op = matcher.isEqual ? (matcher.isRegex ? "=~" : "=") : matcher.isRegex ? "!~" : "!=";
  return `${matcher.name}${op}"${matcher.value.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** A label that is not there is the empty text, as in Prometheus. */
export function matches(matcher: Matcher, labels: Labels): boolean {
  const value = (labels[matcher.name] ?? "").slice(0, VALUE_MAX);
  if (!matcher.isRegex) return (value === matcher.value) === matcher.isEqual;
  const pattern = regex(matcher.value);
  return pattern !== undefined && pattern.test(value) === matcher.isEqual;
}

export function takes(filter: Filter, labels: Labels, more = ""): boolean {
  if (!filter.matchers.every((matcher) => matches(matcher, labels))) return false;
  if (filter.words.length === 0) return true;
  const hay = [more, ...Object.entries(labels).map(([name, value]) => `${name}=${value.slice(0, VALUE_MAX)}`)].join("\n").toLowerCase();
  return filter.words.every((word) => hay.includes(word));
}

const compiled = new Map<string, RegExp | undefined>();

function regex(text: string): RegExp | undefined {
  if (text.length > REGEX_MAX) return undefined;
  if (!compiled.has(text)) {
    if (compiled.size > 200) compiled.clear();
    let made: RegExp | undefined;
    try {
      made = new RegExp(`^(?:${text})$`, "s");
    } catch {
      made = undefined;
    }
    compiled.set(text, made);
  }
  return compiled.get(text);
}
