import assert from "node:assert/strict";
import { test } from "node:test";

import { addMatchers, selectorsIn, selectorText } from "./selectors";

const found = (expr: string) => selectorsIn(expr).map((one) => selectorText(one.metric, one.matchers));

test("selectors are found among functions, groupings, strings, comments and ranges", () => {
  assert.deepEqual(found('sum by (job, code) (rate(http_requests_total{job="a", code=~"5.."}[5m] offset 1h)) / on (job) group_left (x) up'), ['http_requests_total{job="a",code=~"5.."}', "up"]);
  assert.deepEqual(found('label_replace(up, "a", "$1", "b", "(.*)") # up{c="d"}\n + time()'), ["up"]);
  assert.deepEqual(found('{__name__="x y", a!="b"} > bool 1e3 and node:cpu:rate5m unless absent(z)'), ['{"x y",a!="b"}', "node:cpu:rate5m", "z"]);
  assert.deepEqual(found('{"utf.8 name", "a.b"="c"}'), ['{"utf.8 name","a.b"="c"}']);
  assert.deepEqual(found("max_over_time(rate(x[1m])[10m:30s]) @ end()"), ["x"]);
  assert.deepEqual(found("sum(up) by (instance) > Inf"), ["up"]);
});

test("matchers go into each selector and nowhere else", () => {
  const added = [{ label: "job", operator: "=" as const, value: 'a"b' }];
  assert.equal(addMatchers('sum by (job) (rate(x{a="}"}[5m])) / y{} + z', added), 'sum by (job) (rate(x{a="}",job="a\\"b"}[5m])) / y{job="a\\"b"} + z{job="a\\"b"}');
  assert.equal(addMatchers('label_replace(up, "job", "{x}", "", "")', added), 'label_replace(up{job="a\\"b"}, "job", "{x}", "", "")');
  assert.equal(addMatchers("x{a='b',}", added), "x{a='b',job=\"a\\\"b\"}");
});

test("what is no PromQL does not end in an endless loop or an error", () => {
  for (const text of ["x{", "sum by (", "x[5m", '"', "}{", "{a=", "a{b=~'"]) assert.ok(Array.isArray(selectorsIn(text)), text);
});
