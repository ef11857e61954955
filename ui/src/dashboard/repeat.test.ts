import assert from "node:assert/strict";
import { test } from "node:test";

import { loadDashboard } from "./load";
import type { Scope, VariableValue } from "./model";
import { COPIES_MAX, expandRepeats } from "./repeat";

const element = (id: number) => ({ kind: "Panel", spec: { id, title: `P${id}`, vizConfig: { kind: "VizConfig", group: "stat", spec: {} }, data: { kind: "QueryGroup", spec: { queries: [] } } } });
const grid = (...names: string[]) => ({ kind: "GridLayout", spec: { items: names.map((name, at) => ({ kind: "GridLayoutItem", spec: { x: 0, y: at * 6, width: 12, height: 6, element: { name } } })) } });
const repeat = (name: string | undefined) => (name ? { repeat: { mode: "variable", value: name } } : {});
const row = (title: string, layout: unknown, over?: string, more: object = {}) => ({ kind: "RowsLayoutRow", spec: { title, layout, ...repeat(over), ...more } });
const rows = (...all: unknown[]) => ({ kind: "RowsLayout", spec: { rows: all } });
const tab = (title: string, layout: unknown, over?: string) => ({ kind: "TabsLayoutTab", spec: { title, layout, ...repeat(over) } });
const tabs = (...all: unknown[]) => ({ kind: "TabsLayout", spec: { tabs: all } });

function expanded(layout: unknown, variables: Record<string, string[]>) {
  const made = loadDashboard({
    apiVersion: "dashboard.grafana.app/v2beta1",
    kind: "Dashboard",
    spec: { elements: { a: element(1), b: element(2) }, layout, variables: Object.keys(variables).map((name) => ({ kind: "CustomVariable", spec: { name, query: variables[name]!.join(","), multi: true } })) },
  });
  const scope: Scope["variables"] = {};
  for (const variable of made.variables) {
    const values = variables[variable.name]!;
    scope[variable.name] = { variable: { ...variable, options: values.map((value) => ({ text: value, value })) }, current: { text: values, value: values } };
  }
  return expandRepeats(made.panels, scope);
}

const of = (scoped: Record<string, VariableValue> | undefined) => Object.values(scoped ?? {}).map((one) => one.value).join(" ");
const told = ({ panels }: ReturnType<typeof expanded>) => panels.map((panel) => [panel.title, of(panel.scoped), panel.grid.y]);

// Only the line of the tab was repeated: the rows inside, which are sections of their own, all came after the last copy.
test("a tab that repeats has its rows in each copy", () => {
  const made = expanded(tabs(tab("T $host", rows(row("One", grid("a")), row("Two", grid("b"))), "host"), tab("Last", grid("a"))), { host: ["x", "y"] });
  assert.deepEqual(told(made), [
    ["T $host", "x", 0], ["One", "x", 1], ["P1", "x", 2], ["Two", "x", 8], ["P2", "x", 9],
    ["T $host", "y", 15], ["One", "y", 16], ["P1", "y", 17], ["Two", "y", 23], ["P2", "y", 24],
    ["Last", "", 30], ["P1", "", 31],
  ]);
  assert.deepEqual(made.panels.filter((panel) => panel.tab).map((panel) => of(panel.scoped)), ["x", "y", ""]);
  assert.equal(new Set(made.panels.map((panel) => panel.id)).size, made.panels.length);
});

test("rows that repeat inside of a tab that repeats: every pair; by the same variable: only the tab's own value", () => {
  const pairs = expanded(tabs(tab("T", rows(row("R", grid("a"), "disk")), "host")), { host: ["x", "y"], disk: ["1", "2"] });
  assert.deepEqual(pairs.panels.filter((panel) => panel.title === "P1").map((panel) => of(panel.scoped)), ["x 1", "x 2", "y 1", "y 2"]);
  const same = expanded(tabs(tab("T", rows(row("R", grid("a"), "host")), "host")), { host: ["x", "y"] });
  assert.deepEqual(same.panels.filter((panel) => panel.title === "P1").map((panel) => of(panel.scoped)), ["x", "y"]);
});

test("a row without a line of its own repeats too", () => {
  const made = expanded(rows(row("First", grid("a")), row("", grid("b"), "host", { hideHeader: true })), { host: ["x", "y"] });
  assert.deepEqual(told(made), [["First", "", 0], ["P1", "", 1], ["", "x", 7], ["P2", "x", 8], ["", "y", 14], ["P2", "y", 15]]);
});

test("repetitions inside of repetitions are bounded, and what is left out is counted", () => {
  const many = Array.from({ length: 100 }, (_, at) => String(at));
  const { panels, dropped } = expanded(tabs(tab("T", rows(row("R", grid("a", "b"), "b")), "a")), { a: many, b: many });
  assert.ok(panels.length <= COPIES_MAX + 400, `${panels.length} panels`);
  assert.ok(dropped > 0);
});
