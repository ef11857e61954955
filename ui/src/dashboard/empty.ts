/**
 * show: why a query gave nothing. An empty chart never stands there without its reason.
 *
 * In: what was sent, the scope, a way to ask. Out: a sentence for each query. Asks only when there is nothing, at most `REQUESTS_MAX` times, each answer
 * at most a few names.
 */

import { ALL, mentioned } from "./interpolate";
import { list } from "./loose";
import type { Ask, Panel, PanelData, Scope } from "./model";
import { selectorText, selectorsIn, type Matcher, type Selector } from "./selectors";

const REQUESTS_MAX = 16;
const SELECTORS_MAX = 4;

interface Asking {
  ask: Ask;
  abort?: AbortSignal;
  left: number;
  range: { start: number; end: number };
}

/** `undefined` when something can be drawn, or an error says it already. */
export async function emptyReason(panel: Panel, scope: Scope, data: PanelData, ask: Ask, abort?: AbortSignal): Promise<string | undefined> {
  if (data.error !== undefined || data.frames.some((frame) => frame.length > 0)) return undefined;
  const active = panel.targets.filter((target) => !target.hide);
  if (active.length === 0) return panel.targets.length > 0 ? "all queries of this panel are hidden" : "this panel has no query";
  if (active.every((target) => target.expr.trim() === "")) return "the query is empty";
  const asking: Asking = { ask, abort, left: REQUESTS_MAX, range: { start: data.fromMs / 1000, end: data.toMs / 1000 } };
  const reasons: string[] = [];
  for (const target of active) {
    if (target.expr.trim() === "") continue;
    const sent = data.sent.find((one) => one.refId === target.refId);
    const said = target.undrawable ? `it ${target.undrawable}` : (emptyVariable(target.expr, scope) ?? (sent ? await whyNothing(sent.expr, asking) : "it was not asked"));
    reasons.push(active.length > 1 ? `${target.refId}: ${said}` : said);
  }
  return [...new Set(reasons)].join("\n");
}

function emptyVariable(expr: string, scope: Scope): string | undefined {
  for (const name of mentioned(expr)) {
    const entry = Object.hasOwn(scope.variables, name) ? scope.variables[name] : undefined;
    if (!entry) continue;
    const { variable, current } = entry;
    const values = Array.isArray(current.value) ? current.value : [current.value];
    const none = values.every((value) => value === "");
    const allOfNothing = values.includes(ALL) && variable.allValue === "" && variable.options.every((one) => one.value === ALL);
    if (none || allOfNothing) return `the variable "${variable.label || name}" is empty${variable.problem ? `: ${variable.problem}` : variable.type === "query" ? `: ${variable.query} found nothing` : ""}`;
  }
  return undefined;
}

async function whyNothing(expr: string, asking: Asking): Promise<string> {
  const selectors = selectorsIn(expr);
  if (selectors.length === 0) return "the expression gave nothing";
  for (const selector of selectors.slice(0, SELECTORS_MAX)) {
    const reason = await whyNoSeries(selector, asking);
    if (reason) return reason;
  }
  return `its series exist, but the expression leaves none of them${/\b(rate|irate|increase|delta|idelta|deriv)\s*\(/.test(expr) ? " (a rate needs two samples within its window)" : ""}`;
}

/** `undefined`: there are series. */
async function whyNoSeries(selector: Selector, asking: Asking): Promise<string | undefined> {
  const { metric, matchers } = selector;
  if ((await some(selectorText(metric, matchers), asking)) !== false) return undefined;
  const shown = selectorText(metric, matchers);
  if (metric === "" || (await some(selectorText(metric, []), asking)) === false) {
    const ever = await some(metric === "" ? shown : selectorText(metric, []), asking, true);
    const name = metric === "" ? shown : metric;
    return ever ? `${name} has samples, but none in this range` : `no series of ${name}: nothing here sends it${metric === "" ? "" : " (is its target scraped?)"}`;
  }
  for (const matcher of matchers) {
    if ((await some(selectorText(metric, [matcher]), asking)) !== false) continue;
    const values = await valuesOf(metric, matcher, asking);
    return `${metric} exists, but not with ${matcher.label}${matcher.operator}"${short(matcher.value)}"${values === "" ? ": it has no such label" : `; there is ${values}`}`;
  }
  return `${metric} exists, but no series has all of ${short(shown)}`;
}

const short = (value: string): string => (value.length > 120 ? `${value.slice(0, 119)}…` : value);

/** Whether there is a series; `undefined` when that cannot be found out. */
async function some(match: string, asking: Asking, ever = false): Promise<boolean | undefined> {
  if (asking.left-- <= 0) return undefined;
  try {
    const { data } = await asking.ask("series", { "match[]": match, ...(ever ? {} : asking.range), limit: 1 }, asking.abort);
    return list(data).length > 0;
  } catch (error) {
    if (asking.abort?.aborted) throw error;
    return undefined;
  }
}

async function valuesOf(metric: string, matcher: Matcher, asking: Asking): Promise<string> {
  if (asking.left-- <= 0) return "";
  try {
    const { data } = await asking.ask(`label/${encodeURIComponent(matcher.label)}/values`, { "match[]": selectorText(metric, []), ...asking.range, limit: 5 }, asking.abort);
    return list(data).slice(0, 5).map((value) => `${matcher.label}="${short(String(value))}"`).join(", ");
  } catch (error) {
    if (asking.abort?.aborted) throw error;
    return "";
  }
}

