import assert from "node:assert/strict";
import { test } from "node:test";

import { displayOf, displayText } from "./display";
import { loadDashboard } from "./load";
import type { Ask, Scope } from "./model";
import { runPanel } from "./query";
import { scopeOf } from "./range";
import { resolveVariables } from "./variables";

const NOW = Date.UTC(2026, 0, 2, 12, 0, 7);

const file = {
  title: "Service",
  uid: "s",
  templating: { list: [{ name: "job", type: "query", query: { query: "label_values(up, job)" }, multi: true, includeAll: true, current: { text: "All", value: ["$__all"] }, refresh: 1 }] },
  panels: [
    {
      type: "timeseries",
      id: 3,
      title: "Requests",
      gridPos: { x: 0, y: 0, w: 12, h: 8 },
      fieldConfig: { defaults: { unit: "reqps", decimals: 1 }, overrides: [{ matcher: { id: "byName", options: "api 200" }, properties: [{ id: "color", value: { mode: "fixed", fixedColor: "blue" } }] }] },
      targets: [{ refId: "A", expr: 'sum by (job, code) (rate(http_requests_total{job=~"$job"}[$__rate_interval]))', legendFormat: "{{job}} {{code}}" }],
    },
  ],
};

/** Answers as a Prometheus would; keeps what it was asked. */
function server(): { ask: Ask; asked: [string, Record<string, unknown>][] } {
  const asked: [string, Record<string, unknown>][] = [];
  const ask: Ask = async (path, params) => {
    asked.push([path, params]);
    if (path.startsWith("label/")) return { data: ["api", "web.1"] };
    return { data: { resultType: "matrix", result: [{ metric: { job: "api", code: "200" }, values: [[Number(params.start), "1234.5"], [Number(params.end), "NaN"]] }] } };
  };
  return { ask, asked };
}

async function scope(ask: Ask, address = ""): Promise<Scope> {
  const dashboard = loadDashboard(file);
  const made = scopeOf(dashboard, { from: "now-1h", to: "now" }, "utc", NOW, 15_000);
  made.variables = await resolveVariables(dashboard, new URLSearchParams(address), made, ask);
  return made;
}

test("a panel's query goes out with its variables and comes back as named, formatted columns", async () => {
  const { ask, asked } = server();
  const panel = loadDashboard(file).panels[0]!;
  const data = await runPanel(panel, await scope(ask), ask, 1000);
  const [path, params] = asked.at(-1)!;
  assert.equal(path, "query_range");
  assert.equal(params.query, 'sum by (job, code) (rate(http_requests_total{job=~"(api|web\\\\.1)"}[1m]))');
  assert.equal(params.step, 15);
  assert.equal(Number(params.start) % 15, 0);
  assert.equal(data.error, undefined);
  const field = data.frames[0]!.fields[1]!;
  assert.equal(field.displayName, "api 200");
  assert.deepEqual(field.config.color, { mode: "fixed", fixedColor: "blue", seriesBy: undefined });
  assert.equal(displayText(displayOf(field, "dark", "utc")(field.values[0])), "1.2K req/s");
});

test("one value of the address is taken even when nobody offers it", async () => {
  const { ask, asked } = server();
  const panel = loadDashboard(file).panels[0]!;
  await runPanel(panel, await scope(ask, "var-job=gone.2"), ask, 1000);
  assert.match(String(asked.at(-1)![1].query), /job=~"gone\\\\\.2"/);
});

test("the old graph's null as zero draws a series at 0 where it has no point", async () => {
  const panel = loadDashboard({ panels: [{ type: "graph", nullPointMode: "null as zero", targets: [{ expr: "x" }] }] }).panels[0]!;
  const ask: Ask = async (_path, params) => ({ data: { resultType: "matrix", result: [{ metric: {}, values: [[Number(params.start) + 15, "3"], [Number(params.start) + 45, "4"]] }] } });
  const at = scopeOf(loadDashboard({}), { from: "now-1m", to: "now" }, "utc", NOW - 7000, 15_000);
  const data = await runPanel(panel, at, ask, 1000);
  assert.deepEqual(data.frames[0]!.fields[1]!.values, [0, 3, 0, 4, 0]);
});

test("an ad hoc filter goes into every selector of every query", async () => {
  const { ask, asked } = server();
  const dashboard = loadDashboard({ ...file, templating: { list: [...file.templating.list, { name: "f", type: "adhoc", filters: [{ key: "env", operator: "=~", value: "p.*" }] }] } });
  const made = scopeOf(dashboard, { from: "now-1h", to: "now" }, "utc", NOW, 15_000);
  made.variables = await resolveVariables(dashboard, new URLSearchParams("var-job=api"), made, ask);
  await runPanel(dashboard.panels[0]!, made, ask, 1000);
  assert.equal(asked.at(-1)![1].query, 'sum by (job, code) (rate(http_requests_total{job=~"api",env=~"p.*"}[1m]))');
});

test("an error of one query is the panel's, with its letter; what the others found stands", async () => {
  const panel = loadDashboard({ panels: [{ type: "stat", targets: [{ expr: "good", refId: "A" }, { expr: "bad(", refId: "B" }] }] }).panels[0]!;
  const ask: Ask = async (_path, params) => {
    if (String(params.query).startsWith("bad")) throw new Error("1:4: parse error");
    return { data: { resultType: "matrix", result: [{ metric: { a: "b" }, values: [[1, "1"]] }] }, warnings: ["partial"] };
  };
  const data = await runPanel(panel, scopeOf(loadDashboard({}), { from: "now-1h", to: "now" }, "utc", NOW, 15_000), ask, 100);
  assert.deepEqual([data.state, data.error, data.errorRefId, data.frames.length, data.warnings], ["error", "1:4: parse error", "B", 1, ["partial"]]);
});

test("tables, heatmaps and instant queries have their own shapes", async () => {
  const of = async (target: Record<string, unknown>, result: unknown) => {
    const panel = loadDashboard({ panels: [{ type: "table", targets: [{ expr: "x", ...target }] }] }).panels[0]!;
    const data = await runPanel(panel, scopeOf(loadDashboard({}), { from: "now-1h", to: "now" }, "utc", NOW, 15_000), async () => ({ data: result }), 100);
    return data.frames.map((frame) => frame.fields.map((field) => [field.displayName, field.values]));
  };
  const bucket = (le: string, ...values: number[]) => ({ metric: { le }, values: values.map((value, at) => [at, String(value)]) });
  assert.deepEqual(await of({ format: "table", instant: true }, { resultType: "vector", result: [{ metric: { job: "a" }, value: [1, "2"] }, { metric: { job: "b", x: "y" }, value: [1, "+Inf"] }] }), [[["Time", [1000, 1000]], ["job", ["a", "b"]], ["x", ["", "y"]], ["Value", [2, Infinity]]]]);
  assert.deepEqual(await of({ format: "heatmap" }, { resultType: "matrix", result: [bucket("+Inf", 9, 10), bucket("1", 2, 3), bucket("5", 6, 7)] }), [[["Time", [0, 1000]], ["1", [2, 3]], ["5", [4, 4]], ["+Inf", [3, 3]]]]);
  assert.deepEqual(await of({ instant: true }, { resultType: "scalar", result: [1, "5"] }), [[["Time", [1000]], ["x", [5]]]]);
});
