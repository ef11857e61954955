import assert from "node:assert/strict";
import { test } from "node:test";

import { bytes, number, percent, plural, short } from "./number";

test("numbers keep the digits that count", () => {
  const cases: [number | null, string][] = [
    [0, "0"], [0.631444, "0.6314"], [1234.5, "1,235"], [0.00000012, "1.2e-7"], [NaN, "NaN"], [Infinity, "+Inf"], [null, "unknown"], [12.0, "12"],
  ];
  for (const [value, text] of cases) assert.equal(number(value), text);
});

test("units", () => {
  assert.equal(bytes(1_234_567), "1.18 MiB");
  assert.equal(bytes(0), "0 B");
  assert.equal(short(12_340), "12.3 k");
  assert.equal(short(950), "950");
  assert.equal(percent(0.63636), "63.6 %");
  assert.equal(percent(null), "unknown");
  assert.equal(plural(1, "target"), "1 target");
  assert.equal(plural(2000, "series", "series"), "2,000 series");
});
