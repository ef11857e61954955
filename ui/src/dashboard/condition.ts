/**
 * show: whether a panel, row or tab of the second schema is shown at all: rules over the values of variables, the length of the range, and whether there are data.
 *
 * In: `conditionalRendering` of the file; later the scope, and of panels whether there are data. Out: yes or no. As long as it is not known whether there are data, a rule over them decides
 * nothing; nor does it of a row or a tab, which have none of their own.
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

type Rule = { variable: string; operator: "equals" | "notEquals" | "matches" | "notMatches"; value: string } | { shorterMs: number } | { hasData: boolean };

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
  if (item.kind === "ConditionalRenderingData" && typeof spec.value === "boolean") return { hasData: spec.value };
  const shorterMs = item.kind === "ConditionalRenderingTimeRangeSize" ? durationMs(text(spec.value)) : undefined;
  return shorterMs === undefined ? undefined : { shorterMs };
}

/** Whether panels have data, by their ids, as far as it is known. */
export type HaveData = ReadonlyMap<number, boolean>;

/** Panels that can only be judged when somebody asks for their data. */
export const dependsOnData = ({ type, condition }: Pick<Panel, "type" | "condition">): boolean => type !== "row" && condition?.rules.some((rule) => "hasData" in rule) === true;

export function isShown(panel: Pick<Panel, "id" | "condition" | "scoped">, scope: Pick<Scope, "variables" | "fromMs" | "toMs">, haveData: HaveData = NOTHING_KNOWN): boolean {
  const { condition } = panel;
  if (!condition) return true;
  const has = haveData.get(panel.id);
  const judged = condition.rules.flatMap((rule) => {
    if ("hasData" in rule) return has === undefined ? [] : [has === rule.hasData];
    return ["shorterMs" in rule ? scope.toMs - scope.fromMs <= rule.shorterMs : fits(rule, panel, scope)];
  });
  if (judged.length === 0) return true;
  return (condition.all ? judged.every(Boolean) : judged.some(Boolean)) === condition.show;
}

const NOTHING_KNOWN: HaveData = new Map();

function fits(rule: Extract<Rule, { variable: string }>, panel: Pick<Panel, "scoped">, scope: Pick<Scope, "variables">): boolean {
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
export function shownPanels(panels: readonly Panel[], scope: Pick<Scope, "variables" | "fromMs" | "toMs">, haveData?: HaveData): Panel[] {
  let hidden: number | undefined;
  return panels.filter((panel) => {
    if (hidden !== undefined && (panel.type !== "row" || (panel.depth ?? 0) > hidden)) return false;
    hidden = undefined;
    if (isShown(panel, scope, haveData)) return true;
    if (panel.type === "row") hidden = panel.depth ?? 0;
    return false;
  });
}
