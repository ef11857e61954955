/**
 * show: finds the selectors (`up{job="a"}[5m]`) in PromQL, and puts more matchers into them. Reads tokens, never patterns over the whole text.
 *
 * In: an expression that PromQL accepts. Out: where each selector is and what it says. Of a text that is no PromQL it finds what looks like selectors;
 * the server says what is wrong with it.
 */
export interface Matcher {
  label: string;
  operator: "=" | "!=" | "=~" | "!~";
  value: string;
}

export interface Selector {
  /** Empty when only braces are there. */
  metric: string;
  matchers: Matcher[];
  start: number;
  end: number;
  /** Position behind `{` and of `}`; none: no braces. */
  braces?: { open: number; close: number };
}

interface Token {
  kind: "name" | "string" | "number" | "sign";
  text: string;
  start: number;
  end: number;
}

const TOKEN = /(#[^\n]*)|([a-zA-Z_:][a-zA-Z0-9_:]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|((?:\d[\w.]*|\.\d\w*)(?:[eE][+-]?\d+)?)|(=~|!~|!=|==|<=|>=|[^\s])/gsu;
const LISTS = new Set(["by", "without", "on", "ignoring", "group_left", "group_right"]);
const WORDS = new Set([...LISTS, "and", "or", "unless", "atan2", "offset", "bool", "start", "end", "inf", "nan", "smoothed", "anchored"]);

function tokens(expr: string): Token[] {
  const out: Token[] = [];
  for (const m of expr.matchAll(TOKEN)) {
    if (m[1] !== undefined) continue;
    const kind = m[2] !== undefined ? "name" : m[3] !== undefined ? "string" : m[4] !== undefined ? "number" : "sign";
    out.push({ kind, text: m[0], start: m.index, end: m.index + m[0].length });
  }
  return out;
}

export function selectorsIn(expr: string): Selector[] {
  const all = tokens(expr);
  const out: Selector[] = [];
  for (let at = 0; at < all.length; at++) {
    const token = all[at]!;
    const next = all[at + 1];
    if (token.text === "[") {
      at = closing(all, at, "[", "]");
    } else if (token.kind === "name") {
      const word = token.text.toLowerCase();
      if (LISTS.has(word) && next?.text === "(") at = closing(all, at + 1, "(", ")");
      else if (next?.text === "(" || /^(by|without)$/i.test(next?.text ?? "") || (WORDS.has(word) && next?.text !== "{")) continue;
      else if (next?.text === "{") at = braced(all, at + 1, token, out);
      else out.push({ metric: token.text, matchers: [], start: token.start, end: token.end });
    } else if (token.text === "{") {
      at = braced(all, at, undefined, out);
    }
  }
  return out;
}

function closing(all: Token[], from: number, open: string, close: string): number {
  let depth = 0;
  for (let at = from; at < all.length; at++) {
    if (all[at]!.text === open) depth++;
    else if (all[at]!.text === close && --depth === 0) return at;
  }
  return all.length;
}

/** Reads `{...}` that begins at `from`; returns where it ends. */
function braced(all: Token[], from: number, name: Token | undefined, out: Selector[]): number {
  const end = closing(all, from, "{", "}");
  const last = all[end];
  if (!last) return all.length;
  const matchers: Matcher[] = [];
  let metric = name?.text ?? "";
  for (let at = from + 1; at < end; at++) {
    const [label, operator, value] = [all[at]!, all[at + 1], all[at + 2]];
    if (label.text === ",") continue;
    if (operator && value && value.kind === "string" && /^(=|!=|=~|!~)$/.test(operator.text)) {
      matchers.push({ label: label.kind === "string" ? unquote(label.text) : label.text, operator: operator.text as "=", value: unquote(value.text) });
      at += 2;
    } else if (label.kind === "string") metric = unquote(label.text);
  }
  const named = matchers.find((one) => one.label === "__name__" && one.operator === "=");
  if (metric === "" && named) metric = named.value;
  out.push({ metric, matchers: matchers.filter((one) => one !== named), start: (name ?? all[from]!).start, end: last.end, braces: { open: all[from]!.end, close: last.start } });
  return end;
}

export function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith("`")) return inner;
  const known: Record<string, string> = { n: "\n", t: "\t", r: "\r", "0": "\0", a: "\x07", b: "\b", f: "\f", v: "\v" };
  return inner.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gsu, (_whole, x?: string, u?: string, U?: string, one?: string) => {
    const code = x ?? u ?? U;
    if (code !== undefined) return parseInt(code, 16) <= 0x10ffff ? String.fromCodePoint(parseInt(code, 16)) : "";
    return known[one!] ?? one!;
  });
}

export const quote = (value: string): string => `"${value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;

const labelText = (label: string): string => (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) ? label : quote(label));

export const matcherText = (one: Matcher): string => `${labelText(one.label)}${one.operator}${quote(one.value)}`;

/** A selector of its own, for `match[]`. */
export function selectorText(metric: string, matchers: readonly Matcher[]): string {
  const plain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(metric);
  const inside = [...(plain || metric === "" ? [] : [quote(metric)]), ...matchers.map(matcherText)];
  return `${plain ? metric : ""}${inside.length > 0 || !plain ? `{${inside.join(",")}}` : ""}`;
}

/** Each selector of the expression gets these matchers too. */
export function addMatchers(expr: string, matchers: readonly Matcher[]): string {
  if (matchers.length === 0) return expr;
  const added = matchers.map(matcherText).join(",");
  let out = expr;
  for (const selector of selectorsIn(expr).reverse()) {
    if (!selector.braces) {
      out = `${out.slice(0, selector.end)}{${added}}${out.slice(selector.end)}`;
      continue;
    }
    const { open, close } = selector.braces;
    const inside = out.slice(open, close).trim().replace(/,$/, "");
    out = `${out.slice(0, open)}${inside === "" ? "" : `${inside},`}${added}${out.slice(close)}`;
  }
  return out;
}
