import assert from "node:assert/strict";
import { test } from "node:test";

import { dependsOnData, readCondition, shownPanels } from "./condition";
import type { Panel, Scope } from "./model";

const scope = (values: Record<string, string | string[]>, hours = 1) =>
  ({ fromMs: 0, toMs: hours * 3_600_000, variables: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { variable: { name }, current: { text: value, value } }])) }) as unknown as Scope;
const variable = (operator: string, value: string) => ({ kind: "ConditionalRenderingVariable", spec: { variable: "env", operator, value } });
const shorter = (value: string) => ({ kind: "ConditionalRenderingTimeRangeSize", spec: { value } });
const group = (items: unknown[], more: object = {}) => ({ kind: "ConditionalRenderingGroup", spec: { visibility: "show", condition: "and", items, ...more } });
const shows = (json: unknown, at: Scope) => shownPanels([{ id: 1, type: "stat", condition: readCondition(json).condition } as Panel], at).length === 1;

test("rules over variables and the range, all or one, to show or to hide", () => {
  assert.ok(shows(group([variable("equals", "prod")]), scope({ env: "prod" })));
  assert.ok(shows(group([variable("equals", "prod")]), scope({ env: ["dev", "prod"] })));
  assert.ok(!shows(group([variable("notEquals", "prod")]), scope({ env: "prod" })));
  assert.ok(shows(group([variable("matches", "^pr")]), scope({ env: "prod" })));
  assert.ok(!shows(group([variable("notMatches", "^pr")]), scope({ env: "prod" })));
  assert.ok(!shows(group([variable("equals", "prod")], { visibility: "hide" }), scope({ env: "prod" })));
  assert.ok(!shows(group([variable("equals", "prod"), shorter("6h")]), scope({ env: "prod" }, 7)));
  assert.ok(shows(group([variable("equals", "prod"), shorter("6h")], { condition: "or" }), scope({ env: "prod" }, 7)));
});

test("what cannot be judged is shown, and said", () => {
  assert.deepEqual(readCondition(group([{ kind: "ConditionalRenderingMood", spec: { value: true } }])), { condition: undefined, unjudged: true });
  assert.deepEqual(readCondition(undefined), { condition: undefined, unjudged: false });
  assert.ok(shows(group([variable("matches", "(")]), scope({ env: "prod" })));
  assert.ok(!shows(group([variable("equals", "x")]), scope({})));
});

test("with a row goes what is inside of it", () => {
  const { condition } = readCondition(group([variable("equals", "dev")]));
  const row = (id: number, depth: number, more: Partial<Panel> = {}) => ({ id, type: "row", depth, ...more }) as Panel;
  const panel = (id: number) => ({ id, type: "stat" }) as Panel;
  const panels = [row(1, 0, { condition }), panel(2), row(3, 1), panel(4), row(5, 0), panel(6)];
  assert.deepEqual(shownPanels(panels, scope({ env: "prod" })).map((one) => one.id), [5, 6]);
  assert.equal(shownPanels(panels, scope({ env: "dev" })).length, 6);
});

test("a rule over the data holds when the panel's answer is known; until then it decides nothing", () => {
  const data = (value: boolean) => ({ kind: "ConditionalRenderingData", spec: { value } });
  const shown = (json: unknown, has?: boolean, env = "prod", type = "stat") => {
    const panel = { id: 1, type, condition: readCondition(json).condition } as Panel;
    return shownPanels([panel], scope({ env }), new Map(has === undefined ? [] : [[1, has]])).length === 1;
  };
  assert.deepEqual([true, false, undefined].map((has) => shown(group([data(true)]), has)), [true, false, true]);
  assert.deepEqual([true, false, undefined].map((has) => shown(group([data(false)]), has)), [false, true, true]);
  assert.deepEqual([true, false, undefined].map((has) => shown(group([data(true)], { visibility: "hide" }), has)), [false, true, true]);
  assert.deepEqual([true, false, undefined].map((has) => shown(group([data(true), variable("equals", "prod")]), has, "dev")), [false, false, false]);
  assert.deepEqual([true, false, undefined].map((has) => shown(group([data(true), variable("equals", "prod")], { condition: "or" }), has, "dev")), [true, false, false]);
  const { condition } = readCondition(group([data(true)]));
  assert.deepEqual(["stat", "row"].map((type) => dependsOnData({ type, condition } as Panel)), [true, false]);
  assert.ok(!dependsOnData({ type: "stat" } as Panel));
});
