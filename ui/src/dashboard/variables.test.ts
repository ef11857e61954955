import assert from "node:assert/strict";
import { test } from "node:test";

import { loadDashboard } from "./load";
import type { Ask, Scope } from "./model";
import { scopeOf } from "./range";
import { filtered, sortOptions } from "./variable-query";
import { customOptions, resolveVariables, variablesAddress } from "./variables";

const NOW = Date.UTC(2026, 0, 2, 12);

/** Answers by path and match; keeps what it was asked. */
function server(answers: Record<string, unknown>): { ask: Ask; asked: string[] } {
  const asked: string[] = [];
  const ask: Ask = async (path, params) => {
    const key = [path, params["match[]"] ?? params.query].filter((part) => part !== undefined).join(" ");
    asked.push(key);
    if (!(key in answers)) throw new Error(`not answered: ${key}`);
    return { data: answers[key] };
  };
  return { ask, asked };
}

async function resolve(list: unknown[], ask: Ask, address = "", before?: Scope["variables"]) {
  const dashboard = loadDashboard({ templating: { list } });
  const scope = scopeOf(dashboard, { from: "now-1h", to: "now" }, "utc", NOW, 15_000);
  return resolveVariables(dashboard, new URLSearchParams(address), scope, ask, { before });
}

const query = (name: string, text: unknown, more: Record<string, unknown> = {}) => ({ name, type: "query", query: text, refresh: 1, ...more });

test("a variable waits for those that its query mentions, whatever their order in the file", async () => {
  const { ask, asked } = server({ "label/instance/values up{job=~\"a\"}": ["i2", "i1"], "label/job/values up": ["a", "b"] });
  const found = await resolve([query("instance", { query: 'label_values(up{job=~"$job"}, instance)', refId: "x" }, { sort: 1 }), query("job", "label_values(up, job)", { multi: true })], ask);
  assert.deepEqual(asked, ["label/job/values up", 'label/instance/values up{job=~"a"}']);
  assert.deepEqual(found.instance!.current, { text: "i1", value: "i1" });
  assert.deepEqual(found.job!.current, { text: ["a"], value: ["a"] });
});

test("two that wait for each other are found out and do not hang", async () => {
  const { ask } = server({ "label/x/values a": [], "label/x/values b": [], 'label/x/values ': [] });
  const found = await resolve([query("a", "label_values(m{x=\"$b\"}, x)"), query("b", "label_values(m{x=\"$a\"}, x)")], ask);
  assert.ok(found.a!.variable.problem ?? found.b!.variable.problem);
});

test("the address wins over the file; the file's value must still exist", async () => {
  const { ask } = server({ "label/job/values up": ["a", "b"] });
  const list = [query("job", "label_values(up, job)", { multi: true, includeAll: true, current: { text: ["gone", "b"], value: ["gone", "b"] } })];
  assert.deepEqual((await resolve(list, ask)).job!.current.value, ["b"]);
  assert.deepEqual((await resolve(list, ask, "var-job=a&var-job=elsewhere")).job!.current.value, ["a", "elsewhere"]);
  const all = await resolve(list, ask, "var-job=All");
  assert.deepEqual(all.job!.current.value, ["$__all"]);
  assert.deepEqual(variablesAddress(all), { "var-job": ["$__all"] });
});

test("lists that need not be asked again are not", async () => {
  const { ask, asked } = server({ "label/job/values up": ["a"] });
  const list = [query("job", "label_values(up, job)")];
  const first = await resolve(list, ask);
  await resolve(list, ask, "var-job=a", first);
  assert.equal(asked.length, 1);
});

test("a query that fails is said, and the others stand", async () => {
  const { ask } = server({ "label/job/values up": ["a"] });
  const found = await resolve([query("broken", "label_values(nothing, x)"), query("job", "label_values(up, job)")], ask);
  assert.match(found.broken!.variable.problem!, /not answered/);
  assert.equal(found.job!.current.value, "a");
});

test("query_result is written as Grafana writes it, then cut by the regex", async () => {
  const { ask } = server({ "query topk(1, x)": { resultType: "vector", result: [{ metric: { __name__: "x", a: "b" }, value: [NOW / 1000, "3.5"] }] } });
  const found = await resolve([query("n", "query_result(topk(1, x))", { regex: "/ ([0-9\\.]+)/" })], ask);
  assert.deepEqual(found.n!.current, { text: "3.5", value: "3.5" });
});

test("the first group, named groups, no value twice; a regex without slashes is for the whole text", () => {
  assert.deepEqual(filtered(["a-1", "b-1", "c"], "/-(\\d)/"), [{ text: "1", value: "1" }]);
  assert.deepEqual(filtered(["id=7 name=x"], "/id=(?<value>\\d+)|name=(?<text>\\w+)/"), [{ text: "x", value: "7" }]);
  assert.deepEqual(filtered(["ab", "b"], "b"), [{ text: "b", value: "b" }]);
  assert.equal(filtered(["a"], "/(/"), undefined);
});

test("orders: letters, first number, whatever their case, natural, and backwards", () => {
  const of = (sort: number) => sortOptions(["b10", "B2", "a3"].map((value) => ({ text: value, value })), sort).map((one) => one.value);
  assert.deepEqual([1, 2, 3, 4, 5, 7, 8].map(of), [["B2", "a3", "b10"], ["b10", "a3", "B2"], ["B2", "a3", "b10"], ["b10", "a3", "B2"], ["a3", "b10", "B2"], ["a3", "B2", "b10"], ["b10", "B2", "a3"]]);
});

test("custom values, intervals with auto, text boxes, constants, filters", async () => {
  assert.deepEqual(customOptions("a, Five : 5, x\\,y"), [{ text: "a", value: "a" }, { text: "Five", value: "5" }, { text: "x,y", value: "x,y" }]);
  const { ask } = server({});
  const list = [
    { name: "step", type: "interval", query: "1m,10m,1h", auto: true, auto_count: 30, auto_min: "10s", current: { text: "auto", value: "$__auto_interval_step" } },
    { name: "box", type: "textbox", query: "typed" },
    { name: "fixed", type: "constant", query: "c" },
    { name: "filters", type: "adhoc", filters: [{ key: "job", operator: "=", value: "a" }] },
    { name: "ds", type: "datasource", query: "prometheus" },
  ];
  const found = await resolve(list, ask, "var-box=mine&var-fixed=changed&var-filters=host%7C!%3D%7Cb__gfp__c");
  assert.deepEqual(found.step!.current, { text: "auto", value: "2m" });
  assert.deepEqual([found.box!.current.value, found.fixed!.current.value], ["mine", "c"]);
  assert.deepEqual(found.filters!.variable.filters, [{ key: "host", operator: "!=", value: "b|c" }]);
  assert.equal(found.ds!.current.value, "bellbuoy");
  assert.deepEqual(variablesAddress(found)["var-step"], ["$__auto_interval_step"]);
});
