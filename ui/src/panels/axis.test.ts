import assert from "node:assert/strict";
import { test } from "node:test";

import type { Field } from "../dashboard/model";
import { axisValues, stepsFor } from "./axis";

const texts = (splits: number[], unit: string) => {
  const field: Field = { name: "v", type: "number", values: [], config: { unit, custom: {} } };
  return axisValues(splits, field, field.config);
};

test("an axis has as few decimals as tell its values apart exactly, alike within a unit", () => {
  assert.deepEqual(texts([0, 2.5, 5, 7.5], "short"), ["0.0", "2.5", "5.0", "7.5"]);
  assert.deepEqual(texts([0, 50, 100], "short"), ["0", "50", "100"]);
  assert.deepEqual(texts([0, 0.25, 0.5], "percentunit"), ["0%", "25%", "50%"]);
  assert.deepEqual(texts([-500, 0, 500, 1000, 1500], "Bps"), ["-500 B/s", "0 B/s", "500 B/s", "1.0 kB/s", "1.5 kB/s"]);
});

// `time()` in seconds had no step that fits, and the axis was not drawn at all.
test("steps go up, are exact tens, and reach any value that a unit has", () => {
  for (const [unit, largest] of [["s", 4e9], ["ms", 4e12], ["bytes", 2 ** 80]] as const) {
    const steps = stepsFor({ unit, custom: {} })!;
    assert.deepEqual(steps, [...steps].sort((a, b) => a - b), unit);
    assert.ok(steps.at(-1)! * 5 > largest, unit);
    assert.ok(steps.includes(0.00001) && steps.includes(5e-6), unit);
  }
  assert.equal(stepsFor({ decimals: 0, custom: {} })![0], 1);
  assert.equal(stepsFor({ custom: {} }), undefined);
});
