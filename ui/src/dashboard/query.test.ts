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
