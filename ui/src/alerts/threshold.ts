/**
 * show: what a rule compares with what. In: a rule's expression. Out: the left side (a query that shows the value even while the condition does
 * not hold), the operator and the line. Pure; scans brackets and strings, parses no more. `undefined` when there is no comparison to show.
 */
export interface Comparison {
  left: string;
  op: ">" | "<" | ">=" | "<=" | "==" | "!=";
  /** A number, or an expression of its own. */
  threshold: number | undefined;
  right: string;
}

interface Token {
  text: string;
  at: number;
  depth: number;
}

const FLIPPED: Record<string, Comparison["op"]> = { ">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!=" };

export function comparison(query: string): Comparison | undefined {
  return of(query, 0);
}

function of(query: string, turns: number): Comparison | undefined {
  const text = unwrapped(query);
  if (turns > 8) return undefined;
  // `or` binds loosest, then `and` and `unless`, then comparisons. What stands first is what the alert is about.
  const or = split(text, ["or"]);
  if (or) {
    const [first, second] = [of(or[0], turns + 1), of(or[2], turns + 1)];
    if (first && second && first.op === second.op && first.threshold !== undefined && first.threshold === second.threshold) {
      return { ...first, left: `(${first.left}) or (${second.left})` };
    }
    return first ?? second;
  }
  const and = split(text, ["and", "unless"]);
  if (and) return of(and[0], turns + 1) ?? (and[1] === "and" ? of(withoutMatching(and[2]), turns + 1) : undefined);
  const found = split(text, [">=", "<=", "==", "!=", ">", "<"]);
  if (!found) return undefined;
  const [left, op] = found;
  const right = withoutMatching(found[2].replace(/^\s*bool\b/, ""));
  const [a, b] = [constant(left), constant(right)];
  if (b === undefined && a !== undefined) return { left: right.trim(), op: FLIPPED[op] ?? "==", threshold: a, right: left.trim() };
  if (a !== undefined) return undefined;
  return { left: left.trim(), op: op as Comparison["op"], threshold: b, right: right.trim() };
}

/** At the last of these operators that stands outside of brackets, strings and selectors. */
function split(text: string, operators: string[]): [string, string, string] | undefined {
  let found: Token | undefined;
  for (const token of tokens(text)) if (token.depth === 0 && operators.includes(token.text.toLowerCase())) found = token;
  if (!found || text.slice(0, found.at).trim() === "") return undefined;
  return [text.slice(0, found.at), found.text.toLowerCase(), text.slice(found.at + found.text.length)];
}

function* tokens(text: string): Generator<Token> {
  const pattern = /#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[A-Za-z_:][\w:]*|>=|<=|==|!=|=~|!~|[()[\]{}<>]|[^\s]/g;
  let depth = 0;
  for (const found of text.matchAll(pattern)) {
    const part = found[0];
    if (")]}".includes(part)) depth -= 1;
    yield { text: part, at: found.index, depth };
    if ("([{".includes(part)) depth += 1;
  }
}

/** Without brackets around all of it. */
function unwrapped(query: string): string {
  const text = query.trim();
  if (!text.startsWith("(")) return text;
  let last: Token | undefined;
  for (const token of tokens(text)) {
    if (token.text === ")" && token.depth === 0) {
      last = token;
      break;
    }
  }
  return last && last.at === text.length - 1 ? unwrapped(text.slice(1, -1)) : text;
}

function withoutMatching(text: string): string {
  return text.replace(/^\s*(on|ignoring)\s*\([^)]*\)\s*((group_left|group_right)\s*(\([^)]*\))?)?/i, "");
}

/** The value of `0.05`, `5 * 60`, `(2)`, `1e3`. */
function constant(text: string): number | undefined {
  const factors = unwrapped(text).split(/\s*([*/])\s*/);
  let value: number | undefined;
  for (let index = 0; index < factors.length; index += 2) {
    const part = unwrapped(factors[index] ?? "");
    if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(part)) return undefined;
    const factor = Number(part);
    value = value === undefined ? factor : factors[index - 1] === "*" ? value * factor : value / factor;
  }
  return value;
}

export function holds(value: number, { op, threshold }: Pick<Comparison, "op" | "threshold">): boolean | undefined {
  if (threshold === undefined) return undefined;
  switch (op) {
    case ">": return value > threshold;
    case "<": return value < threshold;
    case ">=": return value >= threshold;
    case "<=": return value <= threshold;
    case "==": return value === threshold;
    case "!=": return value !== threshold;
  }
}

/** Which of several values is nearest to firing. */
export function worst(values: number[], comparison: Comparison | undefined): number | undefined {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return values[0];
  if (comparison?.op === "<" || comparison?.op === "<=") return Math.min(...finite);
  if (comparison && (comparison.op === "==" || comparison.op === "!=")) {
    const hit = finite.find((value) => holds(value, comparison));
    return hit ?? finite[0];
  }
  return Math.max(...finite);
}
