/**
 * show: queries in the address, as Prometheus writes them (`g0.expr`, `g0.tab`, `g0.range_input`, ...), of its old pages and its new ones. In: the
 * query of an address. Out: questions, and the other way. Pure. At most 20; what is unknown is kept out, nothing throws.
 */
import { parseDuration, promDuration } from "../parts/time";

export type Tab = "table" | "graph" | "explain";

export interface Question {
  expr: string;
  tab: Tab;
  rangeSeconds: number;
  /** Where the graph ends, and the moment of the table: Unix seconds; undefined: now. */
  end?: number;
  stepSeconds?: number;
  stacked: boolean;
  exemplars: boolean;
}

const HOUR = 3600;
const QUESTIONS_MAX = 20;
const EXPR_CHARS_MAX = 20_000;

/** The ranges that − and + go through. */
export const RANGES = [300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000];

/** The range that nobody chose, when the oldest sample is `stored` seconds old. */
export function rangeOf(stored: number): number {
  return RANGES.find((range) => range >= Math.min(stored, HOUR)) ?? HOUR;
}

export function blank(rangeSeconds = HOUR): Question {
  return { expr: "", tab: "table", rangeSeconds, stacked: false, exemplars: false };
}

/** `unsaid`: seconds of a graph that ends now and whose address has no range. */
export function read(query: URLSearchParams, unsaid = HOUR): Question[] {
  const out: Question[] = [];
  for (let index = 0; index < QUESTIONS_MAX; index += 1) {
    const get = (name: string) => query.get(`g${index}.${name}`) ?? undefined;
    const expr = get("expr");
    if (expr === undefined) break;
    const end = timeOf(get("end_input") ?? get("moment_input"));
    out.push({
      expr: expr.slice(0, EXPR_CHARS_MAX),
      tab: tabOf(get("tab"), get("show_tree")),
      rangeSeconds: positive(parseDuration(get("range_input") ?? "")) ?? (end === undefined ? unsaid : HOUR),
      end,
      stepSeconds: positive(parseDuration(get("step_input") ?? "")),
      stacked: get("stacked") === "1" || get("display_mode") === "stacked",
      exemplars: get("show_exemplars") === "1",
    });
  }
  return out.length > 0 ? out : [blank(unsaid)];
}

/** Prometheus 2 counted its tabs (0 is the graph), Prometheus 3 names them. */
function tabOf(tab: string | undefined, tree: string | undefined): Tab {
  if (tree === "1" || tab === "explain") return "explain";
  return tab === "0" || tab === "graph" ? "graph" : "table";
}

/** `2026-11-21 17:00:00` in UTC, as Prometheus writes it, RFC 3339, or Unix seconds. */
function timeOf(text: string | undefined): number | undefined {
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const plain = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)$/.exec(text);
  const at = Date.parse(plain ? `${plain[1]}T${plain[2]}Z` : text);
  return Number.isNaN(at) ? undefined : at / 1000;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

export function write(questions: Question[]): string {
  const out = new URLSearchParams();
  for (const [index, one] of questions.slice(0, QUESTIONS_MAX).entries()) {
    const set = (name: string, value: string) => out.set(`g${index}.${name}`, value);
    set("expr", one.expr);
    set("tab", one.tab);
    set("range_input", promDuration(one.rangeSeconds));
    if (one.end !== undefined) {
      const text = new Date(one.end * 1000).toISOString().slice(0, 19).replace("T", " ");
      set("end_input", text);
      set("moment_input", text);
    }
    if (one.stepSeconds) set("step_input", promDuration(one.stepSeconds));
    if (one.stacked) set("stacked", "1");
    if (one.exemplars) set("show_exemplars", "1");
  }
  return out.toString();
}

export interface Problem {
  /** Characters of the query. */
  from: number;
  to: number;
  line: number;
  column: number;
  message: string;
}

/** The place that an error of the parser names: `1:16: parse error: unclosed left parenthesis`. */
export function problemOf(error: string, query: string): Problem | undefined {
  const found = /(\d+):(\d+): (?:parse error: )?([\s\S]*)$/.exec(error);
  if (!found) return undefined;
  const [line, column] = [Number(found[1]), Number(found[2])];
  const lines = query.split("\n");
  const text = lines[line - 1];
  if (text === undefined) return undefined;
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const from = start + Math.min(Math.max(column - 1, 0), text.length);
  const word = /^[\w:]+/.exec(query.slice(from))?.[0].length ?? 1;
  return { from, to: from + word, line, column, message: (found[3] ?? "").trim() };
}
