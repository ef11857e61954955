import assert from "node:assert/strict";
import { test } from "node:test";

import type { Field } from "../dashboard/model";
import { axisValues } from "./axis";

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
