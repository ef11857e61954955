import assert from "node:assert/strict";
import { test } from "node:test";

import { fillExpression, writtenPiece, type Hole } from "./expression";
import { ALL, formatValue, interpolate, lookupIn } from "./interpolate";
import type { Scope, Variable, VariableValue } from "./model";

const NOW = Date.UTC(2026, 0, 2, 12);

function variable(name: string, value: string | string[], more: Partial<Variable> = {}): [string, { variable: Variable; current: VariableValue }] {
  const made: Variable = { name, label: "", type: "query", hide: 0, description: "", query: "", regex: "", multi: Array.isArray(value), includeAll: false, allValue: "", refresh: 1, sort: 0, current: { text: value, value }, options: [], filters: [], ...more };
  return [name, { variable: made, current: made.current }];
}

function scope(...variables: ReturnType<typeof variable>[]): Scope {
  return { fromMs: NOW - 3_600_000, toMs: NOW, raw: { from: "now-1h", to: "now" }, timezone: "utc", variables: Object.fromEntries(variables), scrapeIntervalMs: 15_000, nowMs: NOW };
}

const fill = (expr: string, ...variables: ReturnType<typeof variable>[]) => fillExpression(expr, lookupIn(scope(...variables), undefined, { __interval: "20s", __interval_ms: "20000", __rate_interval: "1m20s" }));

test("several values are one regular expression, each with everything escaped", () => {
  assert.equal(fill('up{job=~"$job"}', variable("job", ["a.b", "c|d"])), 'up{job=~"(a\\\\.b|c\\\\|d)"}');
  assert.equal(fill('up{job=~"$job"}', variable("job", ["a.b"])), 'up{job=~"a\\\\.b"}');
  assert.equal(fill("up{job=~`$job`}", variable("job", ["a.b", "c"])), "up{job=~`(a\\.b|c)`}");
});

test("a value stays inside its string", () => {
  const evil = 'x"} or vector(1) #\\';
  assert.equal(fill('up{job="$job"}', variable("job", evil)), 'up{job="x\\"} or vector(1) #\\\\"}');
  assert.equal(fill("up{job='$job'}", variable("job", "it's")), "up{job='it\\'s'}");
});

test("with = one value of many is compared as it is: an escaped one would find nothing", () => {
  assert.equal(fill('up{job="$job"}', variable("job", ["10.0.0.1:9100"])), 'up{job="10.0.0.1:9100"}');
  assert.equal(fill('up{job!="$job"}', variable("job", ["a.b"])), 'up{job!="a.b"}');
});

test("all is every option, or what the dashboard says all is", () => {
  const options = [{ text: "All", value: ALL }, { text: "a", value: "a" }, { text: "b", value: "b" }];
  assert.equal(fill('up{job=~"$job"}', variable("job", [ALL], { includeAll: true, options })), 'up{job=~"(a|b)"}');
  assert.equal(fill('up{job=~"$job"}', variable("job", [ALL], { includeAll: true, options, allValue: ".+" })), 'up{job=~".+"}');
});

test("macros, braces, brackets, formats; names that nobody knows stay", () => {
  assert.equal(fill("rate(x[$__rate_interval]) / $__interval_ms + [[n]]", variable("n", "3")), "rate(x[1m20s]) / 20000 + 3");
  assert.equal(fill('up{job=~"${job:pipe}"}', variable("job", ["a", "b"])), 'up{job=~"a|b"}');
  assert.equal(fill('x{a="$nobody", b="${__nothing}"}'), 'x{a="$nobody", b="${__nothing}"}');
});

test("each format writes its own way", () => {
  const found = { name: "x", value: ["a b", 'c"'], text: ["A", "C"] };
  const expected: Record<string, string> = { csv: 'a b,c"', json: '["a b","c\\""]', pipe: 'a b|c"', regex: '(a b|c")', text: "A + C", queryparam: "var-x=a%20b&var-x=c%22", raw: 'a b,c"', doublequote: '"a b","c\\""', singlequote: "'a b','c\"'", "join: and ": 'a b and c"', html: "a b, c&#34;", glob: '{a b,c"}', percentencode: "%7Ba%20b%2Cc%22%7D" };
  for (const [format, text] of Object.entries(expected)) assert.equal(formatValue(found, format), text, format);
});

test("times of the range, as numbers and by a pattern", () => {
  const lookup = lookupIn(scope());
  assert.equal(interpolate("${__from}", lookup), String(NOW - 3_600_000));
  assert.equal(interpolate("${__to:date:YYYY-MM-DD} ${__to:date:seconds}", lookup), `2026-01-02 ${NOW / 1000}`);
});

test("a place of the sent expression is found again in the written one; within a value it is the variable", () => {
  const written = 'sum(rate(x{job=~"$job"}[$__rate_interval])) / nonsense($job)';
  const holes: Hole[] = [];
  const sent = fillExpression(written, lookupIn(scope(variable("job", ["a", "b.c"])), undefined, { __rate_interval: "1m" }), holes);
  assert.equal(sent, 'sum(rate(x{job=~"(a|b\\\\.c)"}[1m])) / nonsense((a|b\\\\.c))');
  const piece = (text: string, from = 0) => {
    const at = sent.indexOf(text, from);
    return written.slice(...writtenPiece(holes, at, at + text.length));
  };
  for (const same of ["sum", 'job=~"', "])) /", "nonsense("]) assert.equal(piece(same), same);
  assert.equal(piece("b\\\\.c"), "$job");
  assert.equal(piece("1m"), "$__rate_interval");
  assert.equal(piece("a|", sent.indexOf("nonsense")), "$job");
  assert.deepEqual(writtenPiece(holes, sent.length, sent.length), [written.length, written.length]);
  assert.deepEqual(writtenPiece([], 3, 5), [3, 5]);
});
