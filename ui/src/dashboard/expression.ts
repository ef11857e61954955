/**
 * show: a dashboard's PromQL with its variables filled in, so that each value stays what it is inside a string of PromQL.
 *
 * In: the expression as written, values by name. Out: the expression as sent. Values of variables that can hold several become a regular expression
 * with everything escaped; others are put in as texts. Between quotes the quotes and backslashes of a value are escaped, outside they are not.
 */
import { type Found, type Lookup, formatValue, interpolate, replacePlaces } from "./interpolate";

export function fillExpression(expr: string, lookup: Lookup): string {
  const quotes = quotesOf(expr);
  return replacePlaces(expr, lookup, (found, format, at, length) => {
    const quote = quotes[at];
    if (format !== undefined) return found.allValue !== undefined && format !== "text" ? interpolate(found.allValue, lookup, "pipe") : formatValue(found, format);
    if (found.allValue !== undefined) return interpolate(found.allValue, lookup, "pipe");
    return write(found, quote, comparedExactly(expr, at, length));
  });
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
