import assert from "node:assert/strict";
import { test } from "node:test";

import { problemOf, rangeOf, read, write } from "./address";

test("links of old and new Prometheus", () => {
  const old = read(new URLSearchParams("g0.expr=up&g0.tab=0&g0.stacked=1&g0.show_exemplars=1&g0.range_input=1h30m&g0.end_input=2026-11-21%2017%3A00%3A00&g1.expr=x&g1.tab=1&g3.expr=lost"));
  assert.deepEqual(old, [
    { expr: "up", tab: "graph", rangeSeconds: 5400, end: Date.UTC(2026, 10, 21, 17) / 1000, stepSeconds: undefined, stacked: true, exemplars: true },
    { expr: "x", tab: "table", rangeSeconds: 3600, end: undefined, stepSeconds: undefined, stacked: false, exemplars: false },
  ]);
  assert.deepEqual(read(new URLSearchParams("g0.expr=up&g0.show_tree=1&g0.tab=table&g0.display_mode=stacked")).map(({ tab, stacked }) => [tab, stacked]), [["explain", true]]);
});

test("nonsense is a blank question", () => {
  assert.deepEqual(read(new URLSearchParams("g0.expr=&g0.range_input=-5&g0.end_input=soon&g0.step_input=0")), [{ expr: "", tab: "table", rangeSeconds: 3600, end: undefined, stepSeconds: undefined, stacked: false, exemplars: false }]);
  assert.equal(read(new URLSearchParams("")).length, 1);
});

test("what is written is read again", () => {
  const questions = [{ expr: 'a{b="c&d"} > 1', tab: "explain" as const, rangeSeconds: 900, end: 1_795_281_412, stepSeconds: 15, stacked: true, exemplars: true }];
  assert.deepEqual(read(new URLSearchParams(write(questions))), questions);
});

test("the place of an error", () => {
  assert.deepEqual(problemOf('invalid parameter "query": 1:11: parse error: unknown function with name "foo"', "sum(up) + foo(1)"), { from: 10, to: 13, line: 1, column: 11, message: 'unknown function with name "foo"' });
  assert.equal(problemOf('3:2: parse error: unexpected ")"', "up\n + \n )")?.from, 8);
  assert.equal(problemOf("1:99: parse error: unclosed", "sum(")?.from, 4);
  assert.equal(problemOf("9:1: parse error: no such line", "up"), undefined);
  assert.equal(problemOf("query timed out", "up"), undefined);
});

test("a graph without a range begins about where the samples do, up to an hour back; one of the past shows an hour", () => {
  assert.deepEqual([0, 120, 301, 1000, 9_000_000].map(rangeOf), [300, 300, 900, 1800, 3600]);
  const seconds = (text: string) => read(new URLSearchParams(text), 300)[0]?.rangeSeconds;
  assert.deepEqual(["", "g0.expr=up", "g0.expr=up&g0.range_input=2h", "g0.expr=up&g0.end_input=2026-11-21"].map(seconds), [300, 300, 7200, 3600]);
});
