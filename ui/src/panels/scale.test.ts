import assert from "node:assert/strict";
import { test } from "node:test";

import type { Line } from "./lines";
import { rangeOf } from "./scale";

function range(values: (number | null)[], config: object, scale: object, more: object = {}): [number, number] {
  const line = { field: { config }, custom: { scale: { type: "linear", base: 10, threshold: 1, ...scale }, ...more }, drawn: values } as unknown as Line;
  const known = values.filter((one): one is number => one !== null);
  return rangeOf({ line, zero: false, percent: false, members: [0] }, [line], known.length ? Math.min(...known) : null, known.length ? Math.max(...known) : null);
}

// A board with `min: 0` and a logarithm of base 2 over a range without values: steps from 0 on never ended, and the page broke.
test("a logarithmic axis begins above 0, whatever the file and the values say", () => {
  for (const config of [{}, { min: 0 }, { min: -5, max: -1 }, { min: 10, max: 1 }, { max: 0 }]) {
    for (const values of [[], [null], [0], [-3], [0, 5], [1e-9, 1e9]]) {
      for (const base of [2, 10]) {
        const [from, to] = range(values, config, { type: "log", base });
        assert.ok(from > 0 && to > from && Number.isFinite(to), JSON.stringify([config, values, base, from, to]));
      }
    }
  }
  assert.deepEqual(range([3, 900], {}, { type: "log" }), [3, 1000]);
});

test("a linear axis goes around its values, within what the file says", () => {
  assert.deepEqual(range([], {}, {}), [0, 1]);
  assert.deepEqual(range([0, 0], {}, {}), [0, 1]);
  assert.deepEqual(range([1, 3], { min: 0, max: 4 }, {}), [0, 4]);
  assert.deepEqual(range([1], { min: 7 }, {}), [7, 8]);
  const [from, to] = range([-1, 3], {}, {}, { centeredZero: true });
  assert.equal(from, -to);
});
