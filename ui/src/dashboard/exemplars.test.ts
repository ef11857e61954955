import assert from "node:assert/strict";
import { test } from "node:test";

import { askExemplars, DRAWN_MAX, exemplarsOf, spread, traceLink, type Exemplar, type Placed } from "./exemplars";
import { loadDashboard } from "./load";
import type { Ask } from "./model";
import { runPanel } from "./query";
import { scopeOf } from "./range";

const of = (labels: Record<string, string>): Exemplar => ({ atMs: 1, value: 1, labels, series: {} });

test("an answer is read in the order of time, and what can not be drawn is left out", async () => {
  const data = [
    { seriesLabels: { __name__: "b" }, exemplars: [{ labels: { trace_id: "x" }, value: "2.5", timestamp: 7.5 }, { labels: {}, value: "NaN", timestamp: 8 }, { labels: {}, value: "+Inf", timestamp: 8 }] },
    { seriesLabels: { __name__: "a" }, exemplars: [{ labels: { trace_id: "y" }, value: "1e-07", timestamp: 3 }] },
    null,
    { seriesLabels: 3, exemplars: "none" },
  ];
  const asked: unknown[] = [];
  const ask: Ask = async (path, params) => {
    asked.push([path, params]);
    return { data };
  };
  const found = await askExemplars("rate(a[1m])", 1000, 9000, ask);
  assert.deepEqual(asked, [["query_exemplars", { query: "rate(a[1m])", start: 1, end: 9 }]]);
  assert.deepEqual(found, [
    { atMs: 3000, value: 1e-7, labels: { trace_id: "y" }, series: { __name__: "a" } },
    { atMs: 7500, value: 2.5, labels: { trace_id: "x" }, series: { __name__: "b" } },
  ]);
  assert.deepEqual(exemplarsOf(undefined), [], "Prometheus gives no data for an expression without series");
});

test("of a thousand those are drawn that are seen apart", () => {
  const placed: Placed[] = Array.from({ length: 1000 }, (_one, at) => ({ exemplar: of({ n: String(at) }), x: (at * 37) % 800, y: (at * 61) % 300 }));
  const drawn = spread(placed);
  assert.ok(drawn.length <= DRAWN_MAX && drawn.length > DRAWN_MAX / 4, String(drawn.length));
  assert.deepEqual([...drawn].sort((a, b) => a.x - b.x || a.y - b.y), drawn);
  assert.equal(spread(placed.map((one) => ({ ...one, x: 5, y: 5 }))).length, 1);
  assert.equal(spread(placed.slice(0, 3)).length, 3);
});

test("only http and https are followed, and a label is never more than a part of the address", () => {
  const links = [{ label: "trace_id", url: "https://traces.example/t/${__value.raw}?a=1", title: "Tempo" }];
  assert.deepEqual(traceLink(of({ trace_id: "4bf9" }), links), { url: "https://traces.example/t/4bf9?a=1", inside: false, title: "Tempo" });
  assert.deepEqual(traceLink(of({ trace_id: "../x?y#z\"><script>" }), links), { url: "https://traces.example/t/..%2Fx%3Fy%23z%22%3E%3Cscript%3E?a=1", inside: false, title: "Tempo" });
  for (const url of ["javascript:alert(1)//${__value.raw}", "${__value.raw}", "data:text/html,${__value.raw}", "//evil/${__value.raw}", "http://"]) assert.equal(traceLink(of({ trace_id: "javascript:alert(1)" }), [{ ...links[0]!, url }]), undefined, url);
  assert.equal(traceLink(of({ span_id: "1" }), links), undefined);
  assert.equal(traceLink(of({}), [{ ...links[0]!, label: "constructor" }]), undefined);
});

test("a panel asks for exemplars of the queries that want them, and goes on without", async () => {
  const dashboard = loadDashboard({ panels: [{ type: "timeseries", id: 1, targets: [{ refId: "A", expr: "a", exemplar: true }, { refId: "B", expr: "b" }] }] });
  const asked: string[] = [];
  let fails = false;
  const ask: Ask = async (path, params) => {
    asked.push(`${path} ${String(params.query)}`);
    if (path === "query_exemplars" && fails) throw new Error("busy");
    if (path === "query_exemplars") return { data: [{ seriesLabels: {}, exemplars: [{ labels: {}, value: "1", timestamp: 5 }] }] };
    return { data: { resultType: "matrix", result: [{ metric: {}, values: [[Number(params.start), "1"]] }] } };
  };
  const scope = scopeOf(dashboard, { from: "now-1h", to: "now" }, "utc", Date.UTC(2026, 0, 2), 15_000);
  const data = await runPanel(dashboard.panels[0]!, scope, ask, 1000);
  assert.deepEqual(asked, ["query_range a", "query_range b", "query_exemplars a"]);
  assert.deepEqual(data.exemplars?.map((one) => one.atMs), [5000]);
  fails = true;
  const without = await runPanel(dashboard.panels[0]!, scope, ask, 1000);
  assert.deepEqual([without.state, without.frames.length, without.warnings], ["done", 2, ["exemplars of query A: busy"]]);
});

test("a destination in Grafana's Explore is a query here, or says why it is not followed", () => {
  const of = (labels: Record<string, string>) => ({ labels }) as Exemplar;
  const elsewhere = { label: "trace_id", url: "", title: "Tempo", why: "not asked from here" };
  assert.deepEqual(traceLink(of({ trace_id: "1" }), [elsewhere]), { title: "Tempo", why: "not asked from here" });
  assert.equal(traceLink(of({ trace_id: "1" }), [elsewhere, { label: "trace_id", url: "https://t/${__value.raw}", title: "T" }])?.url, "https://t/1");
  assert.equal(traceLink(of({ q: 'up{a="b&c"}' }), [{ label: "q", url: "", title: "P", query: true }])?.url, "query?g0.expr=up%7Ba%3D%22b%26c%22%7D&g0.tab=graph");
  assert.equal(traceLink(of({}), [elsewhere]), undefined);
});
