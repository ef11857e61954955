import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { countPanels, loadDashboard } from "./load";
import type { Panel } from "./model";
import { expandRepeats } from "./repeat";

const panel = (more: Record<string, unknown>) => ({ type: "timeseries", title: "P", gridPos: { x: 0, y: 0, w: 12, h: 8 }, targets: [{ expr: "up" }], ...more });
const one = (more: Record<string, unknown>, rest: Record<string, unknown> = {}): Panel => loadDashboard({ title: "D", panels: [panel(more)], ...rest }).panels[0]!;

test("whatever the file is, a dashboard comes out", () => {
  for (const json of [null, 1, "x", [], {}, { panels: {} }, { panels: [null, 1, "x", {}] }, { spec: {} }, { dashboard: 3 }, { templating: { list: [1, { name: 2, type: [] }] }, panels: [{ targets: "x", fieldConfig: [], options: 1, gridPos: "y" }] }]) {
    const made = loadDashboard(json);
    assert.ok(Array.isArray(made.panels), JSON.stringify(json));
  }
});

test("numbers as texts, missing keys, two panels with one id", () => {
  const made = loadDashboard({ panels: [panel({ id: 1, maxDataPoints: "100", gridPos: { x: "3", y: "0", w: "40", h: "5" }, fieldConfig: { defaults: { decimals: "2", custom: { fillOpacity: "20" } } } }), panel({ id: 1 })] });
  const [first, second] = made.panels as [Panel, Panel];
  assert.equal(first.maxDataPoints, 100);
  assert.equal(first.grid.w, 24);
  assert.equal(first.fieldConfig.defaults.decimals, 2);
  assert.notEqual(first.id, second.id);
  assert.equal(first.targets[0]!.refId, "A");
});

test("a panel that cannot be drawn says why, the others are drawn", () => {
  const made = loadDashboard({
    panels: [panel({}), panel({ type: "logs", datasource: { type: "loki", uid: "l" } }), panel({ datasource: { type: "influxdb" } }), panel({ type: "acme-cool-panel" }), panel({ libraryPanel: { uid: "u", name: "Shared" }, type: undefined })],
    __inputs: [{ name: "DS_X", type: "datasource", pluginId: "prometheus" }],
  });
  assert.deepEqual(countPanels(made), { panels: 5, drawable: 1 });
  assert.deepEqual(made.panels.map((each) => each.undrawable !== undefined), [false, true, true, true, true]);
  assert.match(made.panels[4]!.undrawable!, /Shared/);
});

test("every name of a Prometheus is ours, and only those of others are not", () => {
  const of = (datasource: unknown, rest = {}) => one({ datasource }, rest).undrawable;
  for (const ours of [null, undefined, "Prometheus", "default", "${DS_PROMETHEUS}", "$datasource", { uid: "abc" }, { type: "prometheus", uid: "x" }, { uid: "${ds}" }, "my-metrics"]) assert.equal(of(ours), undefined, JSON.stringify(ours));
  for (const other of ["Loki", { type: "loki" }, { type: "postgres", uid: "$ds" }]) assert.ok(of(other), JSON.stringify(other));
  assert.ok(of("$logs", { templating: { list: [{ name: "logs", type: "datasource", query: "loki" }] } }));
});

test("each query knows where it is in the file", () => {
  assert.deepEqual(loadDashboard({ dashboard: { title: "x", panels: [{ type: "row", collapsed: true, panels: [panel({})] }] } }).panels[0]!.panels![0]!.targets[0]!.path, ["dashboard", "panels", 0, "panels", 0, "targets", 0]);
  assert.deepEqual(loadDashboard({ rows: [{ panels: [{ type: "graph", targets: [{ expr: "a" }] }] }] }).panels[0]!.targets[0]!.path, ["rows", 0, "panels", 0, "targets", 0]);
});

test("rows of before the grid stand beside and under each other", () => {
  const made = loadDashboard({ rows: [{ title: "First", height: "250px", showTitle: true, panels: [{ type: "graph", span: 8 }, { type: "singlestat", span: 4 }, { type: "graph", span: 12 }] }, { title: "Folded", collapse: true, panels: [{ type: "text" }] }] });
  assert.deepEqual(made.panels.map((each) => [each.type, each.grid.x, each.grid.y, each.grid.w]), [["row", 0, 0, 24], ["timeseries", 0, 1, 16], ["stat", 16, 1, 8], ["timeseries", 0, 8, 24], ["row", 0, 15, 24]]);
  assert.equal(made.panels[4]!.panels!.length, 1);
});

test("the old graph keeps its lines, axes, colours, thresholds and overrides", () => {
  const made = one({
    type: "graph",
    bars: false,
    fill: 2,
    linewidth: "3",
    stack: true,
    nullPointMode: "null as zero",
    steppedLine: true,
    aliasColors: { down: "#ff0000" },
    legend: { show: true, values: true, alignAsTable: true, rightSide: true, avg: true, current: true, sort: "avg", sortDesc: true },
    yaxes: [{ format: "bytes", min: "0", logBase: 10 }, { format: "percent", max: 100 }],
    seriesOverrides: [{ alias: "/^limit.*/", yaxis: 2, fill: 0, dashes: true }, { alias: "out", transform: "negative-Y" }],
    thresholds: [{ value: 80, op: "gt", colorMode: "critical", line: true, fill: true }],
    tooltip: { shared: true, sort: 2 },
  });
  const { defaults, overrides } = made.fieldConfig;
  assert.equal(made.type, "timeseries");
  assert.equal(made.originalType, "graph");
  assert.deepEqual([defaults.unit, defaults.min, defaults.custom.fillOpacity, defaults.custom.lineWidth, defaults.custom.lineInterpolation, defaults.custom.nullAsZero], ["bytes", 0, 20, 3, "stepAfter", true]);
  assert.deepEqual(defaults.custom.scaleDistribution, { type: "log", log: 10 });
  assert.deepEqual(defaults.custom.stacking, { mode: "normal", group: "A" });
  assert.deepEqual(defaults.thresholds, { mode: "absolute", steps: [{ value: -Infinity, color: "transparent" }, { value: 80, color: "red" }] });
  assert.deepEqual(defaults.custom.thresholdsStyle, { mode: "line+area" });
  assert.deepEqual(overrides.map((each) => each.matcher), [{ id: "byName", options: "down" }, { id: "byRegexp", options: "/^limit.*/" }, { id: "byName", options: "out" }]);
  assert.deepEqual(Object.fromEntries(overrides[1]!.properties.map((each) => [each.id, each.value])), { "custom.axisPlacement": "right", unit: "percent", max: 100, "custom.fillOpacity": 0, "custom.lineStyle": { fill: "dash", dash: [10, 10] } });
  assert.deepEqual(made.options.legend, { showLegend: true, displayMode: "table", placement: "right", calcs: ["mean", "lastNotNull"], sortBy: "mean", sortDesc: true });
  assert.deepEqual(made.options.tooltip, { mode: "multi", sort: "desc" });
});

test("the old singlestat becomes a stat or a gauge", () => {
  const old = { type: "singlestat", format: "percent", valueName: "current", colorBackground: true, thresholds: "50,80", colors: ["green", "orange", "red"], valueMaps: [{ op: "=", text: "none", value: "null" }, { op: "=", text: "UP", value: "1" }], sparkline: { show: true }, nullText: "-" };
  const stat = one(old);
  assert.equal(stat.type, "stat");
  assert.deepEqual([stat.options.colorMode, stat.options.graphMode, (stat.options.reduceOptions as { calcs: string[] }).calcs], ["background", "area", ["lastNotNull"]]);
  assert.deepEqual(stat.fieldConfig.defaults.thresholds!.steps, [{ value: -Infinity, color: "green" }, { value: 50, color: "orange" }, { value: 80, color: "red" }]);
  assert.deepEqual(stat.fieldConfig.defaults.mappings, [{ type: "special", options: { match: "null", result: { text: "none" } } }, { type: "value", options: { "1": { text: "UP" } } }]);
  const gauge = one({ ...old, gauge: { show: true, minValue: 0, maxValue: 10 } });
  assert.deepEqual([gauge.type, gauge.fieldConfig.defaults.max], ["gauge", 10]);
});

test("the old table keeps its columns' names, units and colours", () => {
  const made = one({ type: "table-old", transform: "timeseries_aggregations", columns: [{ text: "Avg", value: "avg" }], styles: [{ pattern: "Time", type: "hidden" }, { pattern: "/Value.*/", type: "number", unit: "bytes", alias: "Size", colorMode: "cell", colors: ["green", "red"], thresholds: ["10"] }] });
  assert.deepEqual(made.transformations.map((each) => [each.id, each.options]), [["reduce", { reducers: ["mean"] }]]);
  assert.deepEqual(made.fieldConfig.overrides[0], { matcher: { id: "byName", options: "Time" }, properties: [{ id: "custom.hidden", value: true }] });
  assert.deepEqual(made.fieldConfig.overrides[1]!.properties.map((each) => each.id), ["displayName", "unit", "thresholds", "custom.cellOptions"]);
});

test("the second schema: grid, rows, tabs, and its own kinds of variables", () => {
  const element = (id: number, group: string) => ({ kind: "Panel", spec: { id, title: `P${id}`, vizConfig: { kind: "VizConfig", group, spec: { options: { a: 1 }, fieldConfig: { defaults: { unit: "s" }, overrides: [] } } }, data: { kind: "QueryGroup", spec: { queries: [{ kind: "PanelQuery", spec: { refId: "A", query: { kind: "DataQuery", group: "prometheus", spec: { expr: "up" } } } }], transformations: [{ kind: "organize", spec: { options: {} } }], queryOptions: { maxDataPoints: 50 } } } } });
  const item = (name: string, x: number) => ({ kind: "GridLayoutItem", spec: { x, y: 0, width: 12, height: 6, element: { kind: "ElementReference", name } } });
  const made = loadDashboard({
    apiVersion: "dashboard.grafana.app/v2beta1",
    kind: "Dashboard",
    metadata: { name: "board" },
    spec: {
      title: "Two",
      elements: { a: element(1, "timeseries"), b: element(2, "stat") },
      layout: { kind: "TabsLayout", spec: { tabs: [{ kind: "TabsLayoutTab", spec: { title: "One", layout: { kind: "RowsLayout", spec: { rows: [{ kind: "RowsLayoutRow", spec: { title: "Row", layout: { kind: "GridLayout", spec: { items: [item("a", 0), item("b", 12)] } } } }] } } } }, { kind: "TabsLayoutTab", spec: { title: "Two", layout: { kind: "AutoGridLayout", spec: { items: [{ kind: "AutoGridLayoutItem", spec: { element: { name: "b" } } }, { kind: "AutoGridLayoutItem", spec: { element: { name: "gone" } } }] } } } }] } },
      variables: [{ kind: "QueryVariable", spec: { name: "job", query: { kind: "DataQuery", group: "prometheus", spec: { query: "label_values(up, job)" } }, refresh: "onTimeRangeChanged", sort: "alphabeticalAsc", hide: "hideLabel", multi: true, current: { text: ["a"], value: ["a"] } } }],
      timeSettings: { from: "now-6h", to: "now", autoRefresh: "30s" },
    },
  });
  assert.deepEqual(made.panels.map((each) => [each.type, each.title, each.grid.x, each.grid.y]), [["row", "One", 0, 0], ["row", "Row", 0, 1], ["timeseries", "P1", 0, 2], ["stat", "P2", 12, 2], ["row", "Two", 0, 8], ["stat", "P2", 0, 9]]);
  assert.deepEqual(made.panels.filter((each) => each.tab).map((each) => each.title), ["One", "Two"]);
  assert.deepEqual(made.panels[2]!.targets[0]!.path, ["spec", "elements", "a", "spec", "data", "spec", "queries", 0, "spec", "query", "spec"]);
  const [job] = made.variables;
  assert.deepEqual([made.uid, made.time.from, made.refresh, job!.query, job!.refresh, job!.sort, job!.hide], ["board", "now-6h", "30s", "label_values(up, job)", 2, 1, 1]);
  assert.match(made.problems[0]!, /gone/);
});

test("rows and panels repeat, and what is under them moves down", () => {
  const made = loadDashboard({
    templating: { list: [{ name: "host", type: "custom", query: "a,b,c", multi: true }] },
    panels: [panel({ id: 1, repeat: "host", maxPerRow: 2, gridPos: { x: 0, y: 0, w: 24, h: 4 } }), panel({ id: 2, gridPos: { x: 0, y: 4, w: 24, h: 4 } }), { type: "row", id: 3, repeat: "host", gridPos: { x: 0, y: 8, w: 24, h: 1 } }, panel({ id: 4, gridPos: { x: 0, y: 9, w: 12, h: 5 } })],
  });
  const values = ["a", "b", "c"];
  const variable = { ...made.variables[0]!, options: values.map((value) => ({ text: value, value })) };
  const { panels, dropped } = expandRepeats(made.panels, { host: { variable, current: { text: values, value: values } } });
  assert.equal(dropped, 0);
  assert.deepEqual(panels.map((each) => [each.type, each.grid.x, each.grid.y, each.grid.w, each.scoped?.host?.value]), [
    ["timeseries", 0, 0, 12, "a"],
    ["timeseries", 12, 0, 12, "b"],
    ["timeseries", 0, 4, 12, "c"],
    ["timeseries", 0, 8, 24, undefined],
    ["row", 0, 12, 24, "a"],
    ["timeseries", 0, 13, 12, "a"],
    ["row", 0, 18, 24, "b"],
    ["timeseries", 0, 19, 12, "b"],
    ["row", 0, 24, 24, "c"],
    ["timeseries", 0, 25, 12, "c"],
  ]);
  assert.equal(new Set(panels.map((each) => each.id)).size, panels.length);
});

const stacks = join(import.meta.dirname, "../../../stacks");
test("every panel of the stacks' dashboards can be drawn", { skip: !existsSync(stacks) && "no stacks beside" }, () => {
  const files = readdirSync(stacks, { recursive: true, encoding: "utf8" }).filter((file) => /dashboards\/[^/]+\.json$/.test(file));
  assert.ok(files.length > 0);
  for (const file of files) {
    const made = loadDashboard(JSON.parse(readFileSync(join(stacks, file), "utf8")));
    const { panels, drawable } = countPanels(made);
    assert.deepEqual([file, made.problems, drawable], [file, [], panels]);
  }
});
