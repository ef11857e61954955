import assert from "node:assert/strict";
import { test } from "node:test";

import { grid, rangeTo, stepOf } from "./grid";

test("samples stand on the grid and gaps are null", () => {
  const made = grid([{ metric: { a: "b" }, values: [[10, "1"], [30, "NaN"], [40, "+Inf"], [50, "2.5"]] }], { start: 10, end: 50, step: 10 });
  assert.deepEqual(made.times, [10, 20, 30, 40, 50]);
  assert.deepEqual(made.series, [{ labels: { a: "b" }, values: [1, null, null, null, 2.5] }]);
  assert.equal(made.samples, 4);
});

test("steps are whole seconds, below one twentieths", () => {
  assert.deepEqual([3600, 61, 10, 0].map((seconds) => stepOf(seconds, 60)), [60, 2, 0.25, 0.25]);
});

test("ranges end on a whole step", () => {
  const { start, end, step } = rangeTo(1003, 600, 60);
  assert.deepEqual([start, end, step], [400, 1000, 10]);
});
