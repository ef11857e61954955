/**
 * show: whether a panel, row or tab of the second schema is shown at all: rules over the values of variables and the length of the range.
 *
 * In: `conditionalRendering` of the file; later the scope. Out: yes or no. Rules over the data itself are not judged, as a panel that is not shown is not asked: then it is shown.
 */
import { durationMs } from "./interval";
import { object, objects, text, type Json } from "./loose";
import type { Panel, Scope } from "./model";

export interface Condition {
  show: boolean;
  /** All of them, or one. */
  all: boolean;
  rules: Rule[];
}

type Rule = { variable: string; operator: "equals" | "notEquals" | "matches" | "notMatches"; value: string } | { shorterMs: number };

const OPERATORS = ["equals", "notEquals", "matches", "notMatches"] as const;
const RULES_MAX = 50;

/** `undefined`: always shown. `unjudged`: a rule that these pages do not follow. */
export function readCondition(from: unknown): { condition?: Condition; unjudged: boolean } {
  const spec = object(object(from).spec);
  const items = objects(spec.items).slice(0, RULES_MAX);
  const rules = items.flatMap((item) => readRule(item) ?? []);
  const condition = rules.length > 0 ? { show: spec.visibility !== "hide", all: spec.condition !== "or", rules } : undefined;
  return { condition, unjudged: rules.length < items.length };
}

function readRule(item: Json): Rule | undefined {
  const spec = object(item.spec);
  if (item.kind === "ConditionalRenderingVariable") {
    const operator = OPERATORS.find((one) => one === spec.operator);
    return operator && { variable: text(spec.variable), operator, value: text(spec.value) };
  }
  const shorterMs = item.kind === "ConditionalRenderingTimeRangeSize" ? durationMs(text(spec.value)) : undefined;
  return shorterMs === undefined ? undefined : { shorterMs };
}

export function isShown(panel: Pick<Panel, "condition" | "scoped">, scope: Pick<Scope, "variables" | "fromMs" | "toMs">): boolean {
  const { condition } = panel;
  if (!condition) return true;
  const holds = (rule: Rule) => ("shorterMs" in rule ? scope.toMs - scope.fromMs <= rule.shorterMs : fits(rule, panel, scope));
  return (condition.all ? condition.rules.every(holds) : condition.rules.some(holds)) === condition.show;
}

function fits(rule: Exclude<Rule, { shorterMs: number }>, panel: Pick<Panel, "scoped">, scope: Pick<Scope, "variables">): boolean {
  const current = panel.scoped?.[rule.variable] ?? (Object.hasOwn(scope.variables, rule.variable) ? scope.variables[rule.variable]!.current : undefined);
  const values = current === undefined ? [] : [current.value].flat();
  const not = rule.operator.startsWith("not");
  if (rule.operator === "equals" || rule.operator === "notEquals") return values.includes(rule.value) !== not;
  const pattern = patternOf(rule.value);
  return pattern === undefined || values.some((value) => pattern.test(value.slice(0, 1000))) !== not;
}

function patternOf(value: string): RegExp | undefined {
  try {
    return new RegExp(value.slice(0, 500));
  } catch {
    return undefined;
  }
}

/** Without what is not shown now, and what is inside of it. */
export function shownPanels(panels: readonly Panel[], scope: Pick<Scope, "variables" | "fromMs" | "toMs">): Panel[] {
  let hidden: number | undefined;
  return panels.filter((panel) => {
    if (hidden !== undefined && (panel.type !== "row" || (panel.depth ?? 0) > hidden)) return false;
    hidden = undefined;
    if (isShown(panel, scope)) return true;
    if (panel.type === "row") hidden = panel.depth ?? 0;
    return false;
  });
}
