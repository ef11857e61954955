import assert from "node:assert/strict";
import { test } from "node:test";

import type { Panel } from "../dashboard/model";
import { placedPanels, tabsOf } from "./dashboard-layout";

const panel = (id: number, y: number, h = 8, more: Partial<Panel> = {}) => ({ id, type: "stat", grid: { x: 0, y, w: 12, h }, ...more }) as Panel;
const row = (id: number, y: number, collapsed: boolean, panels: Panel[] = []) => ({ id, type: "row", grid: { x: 0, y, w: 24, h: 1 }, collapsed, panels }) as Panel;
const places = (panels: Panel[], turned: number[] = []) => placedPanels(panels, new Set(turned)).map(({ panel: one, y }) => [one.id, y]);

test("a closed row hides its panels and what is below moves up; opened, it pushes them down", () => {
  const panels = [panel(1, 0), row(2, 8, false), panel(3, 9), panel(4, 17, 4), row(5, 21, true, [panel(6, 22, 6)]), row(7, 22, false), panel(8, 23)];
  assert.deepEqual(places(panels), [[1, 0], [2, 8], [3, 9], [4, 17], [5, 21], [7, 22], [8, 23]]);
  assert.deepEqual(places(panels, [2]), [[1, 0], [2, 8], [5, 9], [7, 10], [8, 11]]);
  assert.deepEqual(places(panels, [5]), [[1, 0], [2, 8], [3, 9], [4, 17], [5, 21], [6, 22], [7, 28], [8, 29]]);
});

test("panels of a closed row may stand where they stood before other rows moved", () => {
  assert.deepEqual(places([row(1, 0, true, [panel(2, 40), panel(3, 48)])], [1]), [[1, 0], [2, 1], [3, 9]]);
});

// A dashboard of a mixin has a gap of two lines above panels that lie on the next ones: Grafana draws neither the gap nor the overlap.
test("gaps of the file close, and panels that lie on each other come one below the other", () => {
  assert.deepEqual(places([panel(1, 1, 6), panel(2, 9, 8), panel(3, 15, 6)]), [[1, 0], [2, 6], [3, 14]]);
  const beside = (id: number, x: number, y: number, h: number) => panel(id, y, h, { grid: { x, y, w: 12, h } });
  assert.deepEqual(places([beside(1, 0, 0, 4), beside(2, 12, 0, 8), beside(3, 0, 20, 4), beside(4, 12, 20, 4)]), [[1, 0], [2, 0], [3, 4], [4, 8]]);
});

test("a closed row hides the rows inside it too; a row without a line is always open", () => {
  const inside = (one: Panel, depth: number, more: Partial<Panel> = {}) => ({ ...one, depth, ...more }) as Panel;
  const panels = [row(1, 0, true), panel(2, 1), inside(row(3, 9, false), 1), panel(4, 10), inside(row(5, 18, true), 0, { headless: true }), panel(6, 19)];
  assert.deepEqual(places(panels), [[1, 0], [6, 1]]);
  assert.equal(placedPanels(panels, new Set())[0]!.inside, 2);
  assert.deepEqual(places(panels, [1]), [[1, 0], [2, 1], [3, 9], [4, 10], [6, 18]]);
});

test("sizes that no grid has are bounded", () => {
  const [one] = placedPanels([{ ...panel(1, 0), grid: { x: 30, y: 0, w: 99, h: -2 } }], new Set());
  assert.deepEqual([one!.x, one!.w, one!.h], [0, 24, 1]);
});

test("a tab has what follows it, and a name of its own in the address", () => {
  const tab = (id: number, title: string) => ({ ...row(id, 0, false), title, tab: true }) as Panel;
  const tabs = tabsOf([tab(1, "Health & load"), panel(2, 1), row(3, 9, false), panel(4, 10), tab(5, "!"), tab(6, "health load"), panel(7, 20)], (one) => one.title);
  assert.deepEqual(tabs.map(({ slug, panels }) => [slug, panels.map((one) => one.id)]), [["health-load", [2, 3, 4]], ["tab", []], ["health-load__2", [7]]]);
  assert.deepEqual(tabsOf([panel(1, 0)], () => ""), []);
});
