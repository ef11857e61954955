import assert from "node:assert/strict";
import { test } from "node:test";

import { endsOf, pathOf, runsOf, split } from "./spark";

const same = (value: number) => value;

test("gaps stay gaps: a missing value, one that is no number, a step that is too long", () => {
  const runs = runsOf([[0, 1], [1, 2], [2, null], [3, 4], [4, NaN], [5, undefined], [6, 7], [9, 8]], 2);
  assert.deepEqual(runs, [[[0, 1], [1, 2]], [[3, 4]], [[6, 7]], [[9, 8]]]);
  assert.deepEqual(endsOf(runs), [1, 8]);
  assert.equal(endsOf(runsOf([[0, null], [1, Infinity]])), undefined);
});

test("one value is a dot", () => {
  assert.equal(pathOf([[1, 2], [3, 4]], same, same), "M1.0 2.0L3.0 4.0");
  assert.equal(pathOf([[1, 2]], same, same), "M1.0 2.0h.01");
});

test("what lies beyond the threshold is a part of its own, without a hole before and after it", () => {
  const parts = split(runsOf([[0, 1], [1, 5], [2, 6], [3, 1]]), (value) => value > 3);
  assert.deepEqual(parts, [{ run: [[0, 1], [1, 5]], beyond: false }, { run: [[1, 5], [2, 6], [3, 1]], beyond: true }, { run: [[3, 1]], beyond: false }]);
});
