import assert from "node:assert/strict";
import { test } from "node:test";

import type { Frame } from "../dashboard/model";
import { cellsOf, histogramOf } from "./cells";

const bucket = (le: string, values: (number | null)[]): Frame => ({
  length: values.length,
  fields: [
    { name: "Time", type: "time", values: values.map((_, at) => at * 60_000), config: { custom: {} } },
    { name: "Value", type: "number", values, labels: { le }, config: { custom: {} } },
  ],
});

test("buckets stand by their upper end, whatever order they came in; a missing cell is none, not nought", () => {
  const cells = cellsOf([bucket("+Inf", [0, 1]), bucket("0.5", [3, null]), bucket("0.1", [2, 4])], {}, 0, 120_000, 60_000)!;
  assert.deepEqual(cells.bands.map(({ low, high }) => [low, high]), [[0, 0.1], [0.1, 0.5], [0.5, Infinity]]);
  assert.deepEqual(cells.counts, [[2, 3, 0], [4, null, 1]]);
  assert.deepEqual([cells.min, cells.max], [1, 4]);
});

test("plain series are counted into cells", () => {
  const frame: Frame = { length: 4, fields: [{ name: "Time", type: "time", values: [0, 10, 20, 30], config: { custom: {} } }, { name: "v", type: "number", values: [1, 1.5, 9, null], config: { custom: {} } }] };
  const options = { calculate: true, calculation: { xBuckets: { mode: "size", value: "20ms" }, yBuckets: { mode: "size", value: "5" } } };
  const cells = cellsOf([frame], options, 0, 40, 10)!;
  assert.deepEqual(cells.counts, [[2, 0], [0, 1]]);
  assert.deepEqual(cells.bands.map(({ low, high }) => [low, high]), [[0, 5], [5, 10]]);
});

test("a histogram counts every value once", () => {
  const bins = histogramOf([0, 0.5, 1, 1, 2.9, 10], 1, 30);
  assert.equal(bins.length, 11);
  assert.deepEqual(bins.slice(0, 3).map((bin) => bin.count), [2, 2, 1]);
  assert.equal(bins.at(-1)!.count, 1);
  assert.equal(histogramOf([5, 5], undefined, 30).reduce((sum, bin) => sum + bin.count, 0), 2);
  assert.deepEqual(histogramOf([], 1, 30), []);
});
