/**
 * show: files that somebody broke. Any value of a dashboard is replaced by any other, thousands of times; nothing may throw, and every panel must say
 * something: data, an error, or why there is nothing. The seed is printed and replays a failure: `SEED=7 node --import tsx --test ...`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { displayOf } from "./display";
import { panelLinks, dataLinks } from "./links";
import { loadDashboard } from "./load";
import type { Ask, Panel } from "./model";
import { runPanel } from "./query";
import { scopeOf } from "./range";
import { expandRepeats } from "./repeat";
import { resolveVariables } from "./variables";

const NOW = Date.UTC(2026, 0, 2, 12);
const SEED = Number(process.env.SEED ?? 1);

const target = { refId: "A", expr: 'sum by (job) (rate(x{job=~"$job"}[$__rate_interval]))', legendFormat: "{{job}}", interval: "15s", format: "table", instant: true, range: true };
const config = { defaults: { unit: "bytes", decimals: 1, min: 0, max: 100, color: { mode: "continuous-GrYlRd" }, thresholds: { mode: "percentage", steps: [{ color: "green", value: null }, { color: "red", value: 80 }] }, mappings: [{ type: "regex", options: { pattern: "/a(.*)/", result: { text: "$1" } } }, { type: "range", options: { from: 0, to: 1, result: { text: "x" } } }], links: [{ title: "${__value.text}", url: "/d/x?var-job=${__field.labels.job}" }] }, overrides: [{ matcher: { id: "byValue", options: { reducer: "max", op: "gte", value: 1 } }, properties: [{ id: "custom.lineStyle.fill", value: "dash" }, { id: "links", value: [{ url: "y" }] }] }] };
const FILE = {
  title: "T",
  uid: "u",
  time: { from: "now-6h/d", to: "now" },
  timezone: "Europe/Berlin",
  templating: { list: [{ name: "job", type: "query", query: { query: "label_values(x{i=\"$step\"}, job)" }, regex: "/(.*)/", sort: 3, refresh: 2, multi: true, includeAll: true, allValue: "", current: { text: ["All"], value: ["$__all"] } }, { name: "step", type: "interval", query: "1m,auto", auto: true, auto_count: 10, auto_min: "10s" }, { name: "f", type: "adhoc", filters: [{ key: "a", operator: "=", value: "b" }] }, { name: "c", type: "custom", query: "a : 1, b" }] },
  annotations: { list: [{ name: "a", expr: "x", enable: true }] },
  panels: [
    { type: "row", id: 1, collapsed: true, repeat: "job", panels: [{ type: "timeseries", id: 2, gridPos: { x: 0, y: 1, w: 12, h: 8 }, targets: [target], fieldConfig: config, options: { legend: {} } }] },
    { type: "graph", id: 3, repeat: "c", maxPerRow: 2, gridPos: { x: 0, y: 2, w: 12, h: 8 }, targets: [{ ...target, format: "time_series", instant: false }], yaxes: [{ format: "s", min: "0" }, { format: "percent" }], seriesOverrides: [{ alias: "/x/", yaxis: 2, stack: "B" }], thresholds: [{ value: 1, op: "lt" }], aliasColors: { a: "red" }, nullPointMode: "null as zero", legend: { show: true, avg: true }, timeFrom: "1h", timeShift: "1d" },
    { type: "singlestat", id: 4, targets: [target], thresholds: "1,2", colors: ["red", "green"], valueMaps: [{ value: "null", text: "-" }], rangeMaps: [{ from: "0", to: "1", text: "a" }], gauge: { show: true }, format: "s" },
    { type: "table-old", id: 5, targets: [target], styles: [{ pattern: "/a/", type: "number", thresholds: ["1"], colors: ["red"] }], columns: [{ value: "avg" }], transform: "timeseries_aggregations" },
    { type: "gauge", id: 6, targets: [target], options: { fieldOptions: { calcs: ["mean"], defaults: { min: 0 }, thresholds: [{ value: 1, color: "red" }], mappings: [{ type: 1, value: "1", text: "x" }] } } },
    { type: "heatmap", id: 7, targets: [{ ...target, format: "heatmap" }], dataFormat: "tsbuckets", yAxis: { format: "s" }, color: { mode: "opacity" } },
    { type: "table", id: 8, targets: [target, { ...target, refId: "B" }], transformations: [{ id: "merge", options: {} }, { id: "organize", options: { excludeByName: { Time: true }, renameByName: { Value: "V" }, indexByName: { job: 1 } } }, { id: "calculateField", options: { mode: "binary", binary: { left: "Value #A", operator: "/", right: "Value #B" } } }, { id: "groupBy", options: { fields: { job: { operation: "groupby" } } } }, { id: "filterByValue", options: { filters: [{ fieldName: "job", config: { id: "equal", options: { value: "a" } } }] } }, { id: "sortBy", options: { sort: [{ field: "job" }] } }, { id: "reduce", options: { reducers: ["max"] } }, { id: "labelsToFields", options: {} }, { id: "renameByRegex", options: { regex: "(.*)", renamePattern: "$1" } }, { id: "joinByField", options: { byField: "job" } }, { id: "prepareTimeSeries", options: {} }, { id: "convertFieldType", options: { conversions: [{ targetField: "job", destinationType: "time" }] } }, { id: "groupingToMatrix", options: {} }], fieldConfig: config, links: [{ title: "l", url: "http://x" }] },
  ],
};

const STRANGE: unknown[] = [null, undefined, 0, -1, 1e308, NaN, "", "x", "$job", "${job:date:}", "[[", "__proto__", "constructor", "/(/", "-5", "1e99", true, false, [], [null], [[]], [{}], {}, { a: 1 }, { id: "x" }, { __proto__: null }, "9".repeat(400), "now-99999y", "\u202e<script>"];

/** A copy in which some values are others. */
function broken(value: unknown, random: () => number): unknown {
  if (random() < 0.02) return STRANGE[Math.floor(random() * STRANGE.length)];
  if (Array.isArray(value)) return value.map((one) => broken(one, random));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [random() < 0.005 ? "toString" : key, broken(one, random)]));
}

const ask: Ask = async (path, params) => {
  if (path === "query") return { data: { resultType: "vector", result: [{ metric: { job: "a", le: "+Inf" }, value: [1, "NaN"] }, { metric: { job: "b" }, value: [1, "3"] }] } };
  if (path === "query_range") {
    assert.ok(Number(params.step) > 0 && (Number(params.end) - Number(params.start)) / Number(params.step) <= 11_001, `step ${params.step}`);
    return { data: { resultType: "matrix", result: [{ metric: { job: "a", le: "1" }, values: [[Number(params.start), "1"], [Number(params.end), "+Inf"]] }, { metric: {}, values: [] }] } };
  }
  return { data: ["a", "constructor", "<b>"] };
};

test("no broken file breaks the page", async () => {
  console.log(`seed ${SEED}`);
  let state = SEED;
  const random = () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) / 0x80000000;
  for (let round = 0; round < 400; round++) {
    const json = broken(FILE, random);
    const dashboard = loadDashboard(json);
    const scope = scopeOf(dashboard, dashboard.time, dashboard.timezone, NOW, 15_000);
    scope.variables = await resolveVariables(dashboard, new URLSearchParams(random() < 0.5 ? "var-job=a&var-c=zz&var-f=x" : ""), scope, ask);
    const { panels } = expandRepeats(dashboard.panels, scope.variables);
    const all = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
    assert.ok(all.length < 2000, `round ${round}: ${all.length} panels`);
    for (const panel of all) await look(panel, scope, `round ${round}, panel ${panel.type}`);
  }
});

async function look(panel: Panel, scope: ReturnType<typeof scopeOf>, where: string): Promise<void> {
  assert.ok([panel.grid.x, panel.grid.y, panel.grid.w, panel.grid.h].every(Number.isFinite), where);
  panelLinks(panel, scope);
  const data = await runPanel(panel, scope, ask, 300);
  if (panel.type === "row" || panel.type === "text" || panel.undrawable !== undefined) return;
  const drawn = data.frames.some((frame) => frame.length > 0);
  assert.ok(drawn || data.error !== undefined || data.emptyReason !== undefined, `${where}: nothing, and no reason`);
  for (const frame of data.frames) {
    for (const field of frame.fields) {
      assert.equal(typeof field.displayName, "string", where);
      const shown = displayOf(field, "dark", scope.timezone, NOW)(field.values[0]);
      assert.equal(typeof shown.text, "string", `${where}: ${JSON.stringify(field.config)}`);
      for (const link of dataLinks(field, frame, 0, scope, panel)) assert.ok(!/^javascript:/i.test(link.url), where);
    }
  }
}
