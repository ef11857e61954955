import assert from "node:assert/strict";
import { test } from "node:test";

import { comparison, holds, worst } from "./threshold";

const said = (query: string) => {
  const found = comparison(query);
  return found && [found.left, found.op, found.threshold ?? found.right];
};

test("value, operator and line of ordinary rules", () => {
  assert.deepEqual(said("bike_model_rmse_production > 60"), ["bike_model_rmse_production", ">", 60]);
  assert.deepEqual(said("sum(rate(e[5m])) / sum(rate(r[5m])) > 0.05"), ["sum(rate(e[5m])) / sum(rate(r[5m]))", ">", 0.05]);
  assert.deepEqual(said("(x <= 1e3)"), ["x", "<=", 1000]);
  assert.deepEqual(said("60 * 5 < time() - last_run"), ["time() - last_run", ">", 300]);
  assert.deepEqual(said("a > bool 2"), ["a", ">", 2]);
});

test("the first condition of several is what the alert is about", () => {
  assert.deepEqual(said("share > 0.5 and on () r2 < 0.7"), ["share", ">", 0.5]);
  assert.deepEqual(said("up == 0 or exporter_up == 0"), ["(up) or (exporter_up)", "==", 0]);
  assert.deepEqual(said("a > 1 unless on(x) b > 2"), ["a", ">", 1]);
  assert.deepEqual(said("vector and on() (b > 2)"), ["b", ">", 2]);
});

test("signs in strings, selectors and brackets are no comparison", () => {
  assert.equal(said('up{job="a > 1", x!="y"}'), undefined);
  assert.deepEqual(said('x{a!="b", c=~"> 3"} > 3'), ['x{a!="b", c=~"> 3"}', ">", 3]);
  assert.deepEqual(said("count(up == 0) > 2"), ["count(up == 0)", ">", 2]);
  assert.equal(said("absent(up)"), undefined);
  assert.equal(said("1 > 2"), undefined);
});

test("a line may be a series", () => {
  assert.deepEqual(said("a > on(x) group_left(y) b * 2"), ["a", ">", "b * 2"]);
});

test("hostile depth ends", () => {
  assert.equal(said(`${"(".repeat(5000)}x`), undefined);
  assert.equal(typeof said(Array(200).fill("x > 1").join(" or ")), "object");
});

test("the worst is the one nearest to firing", () => {
  assert.equal(worst([1, 5, 3], comparison("a > 2")), 5);
  assert.equal(worst([1, 5, 3], comparison("a < 2")), 1);
  assert.equal(worst([1, 0, 1], comparison("up == 0")), 0);
  assert.equal(worst([], undefined), undefined);
  assert.equal(holds(0, { op: "==", threshold: 0 }), true);
  assert.equal(holds(0, { op: ">", threshold: undefined }), undefined);
});
