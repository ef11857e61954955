/**
 * show: a dashboard's PromQL with its variables filled in, so that each value stays what it is inside a string of PromQL.
 *
 * In: the expression as written, values by name. Out: the expression as sent. Values of variables that can hold several become a regular expression
 * with everything escaped; others are put in as texts. Between quotes the quotes and backslashes of a value are escaped, outside they are not. `holes` says where.
 */
import { type Found, type Lookup, formatValue, interpolate, replacePlaces } from "./interpolate";

/** Where a value was put in: characters as written and as sent. */
export interface Hole {
  from: number;
  to: number;
  sentFrom: number;
  sentTo: number;
}

export function fillExpression(expr: string, lookup: Lookup, holes: Hole[] = []): string {
  const quotes = quotesOf(expr);
  const valueAt = (found: Found, format: string | undefined, at: number, length: number): string => {
    if (format !== undefined) return found.allValue !== undefined && format !== "text" ? interpolate(found.allValue, lookup, "pipe") : formatValue(found, format);
    if (found.allValue !== undefined) return interpolate(found.allValue, lookup, "pipe");
    return write(found, quotes[at], comparedExactly(expr, at, length));
  };
  let longer = 0;
  return replacePlaces(expr, lookup, (found, format, at, length) => {
    const value = valueAt(found, format, at, length);
    holes.push({ from: at, to: at + length, sentFrom: at + longer, sentTo: at + longer + value.length });
    longer += value.length - length;
    return value;
  });
}

/** A piece of the sent expression as the piece of the written one that it came from; within a value: the whole variable. */
export function writtenPiece(holes: readonly Hole[], from: number, to: number): [number, number] {
  const back = (at: number, end: boolean): number => {
    let shorter = 0;
    for (const hole of holes) {
      if (at < hole.sentFrom || (end && at === hole.sentFrom)) break;
      if (at < hole.sentTo || (end && at === hole.sentTo)) return end ? hole.to : hole.from;
      shorter = hole.to - hole.sentTo;
    }
    return at + shorter;
  };
  return [back(from, false), back(to, true)];
}

function write(found: Found, quote: string | undefined, exactly: boolean): string {
  const several = found.variable?.multi || found.variable?.includeAll;
  if (!several && !Array.isArray(found.value)) return inString(found.value, quote);
  const values = Array.isArray(found.value) ? found.value : [found.value];
  if (values.length === 1 && exactly) return inString(values[0]!, quote);
  const escaped = values.map((value) => inString(regexOf(value), quote ?? '"'));
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join("|")})`;
}

/** Only what RE2 reads as more than itself. */
const regexOf = (value: string): string => value.replace(/[\\^$*+?.()|[\]{}]/g, "\\$&");

function inString(value: string, quote: string | undefined): string {
  if (quote === '"') return value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
  if (quote === "'") return value.replace(/[\\']/g, "\\$&").replace(/\n/g, "\\n");
  return quote === "`" ? value.replace(/`/g, "") : value;
}

/** `="$x"` or `!="$x"`, the place being the whole string: no regular expression there. */
function comparedExactly(expr: string, at: number, length: number): boolean {
  const quote = expr[at - 1];
  if ((quote !== '"' && quote !== "'" && quote !== "`") || expr[at + length] !== quote) return false;
  return /[^~]=\s*$/.test(expr.slice(Math.max(0, at - 20), at - 1));
}

/** For each position the quote it stands between. */
function quotesOf(expr: string): (string | undefined)[] {
  const out: (string | undefined)[] = [];
  let open: string | undefined;
  for (let at = 0; at < expr.length; at++) {
    const char = expr[at]!;
    out[at] = open;
    if (open) {
      if (char === "\\" && open !== "`") out[++at] = open;
      else if (char === open) open = undefined;
    } else if (char === '"' || char === "'" || char === "`") open = char;
    else if (char === "#") while (at + 1 < expr.length && expr[at + 1] !== "\n") out[++at] = undefined;
  }
  return out;
}
