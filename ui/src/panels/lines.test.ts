import assert from "node:assert/strict";
import { test } from "node:test";

import type { Frame } from "../dashboard/model";
import { linesOf } from "./lines";

const frame = (name: string, times: number[], values: unknown[], custom: Record<string, unknown> = {}): Frame => ({
  name,
  length: times.length,
  fields: [
    { name: "Time", type: "time", values: times, config: { custom: {} } },
    { name, type: "number", values, config: { custom } },
  ],
});
const lines = (frames: Frame[], stepMs = 10, hidden: string[] = []) => linesOf(frames, stepMs, new Set(hidden), (field) => field.name);

test("a line breaks where its own samples stop, not where another series has moments of its own", () => {
  const out = lines([frame("a", [0, 10, 20, 60], [1, 2, 3, 4]), frame("b", [0, 5, 10], [1, 1, 1])]);
  assert.deepEqual(out.timesMs, [0, 5, 10, 20, 30, 60]);
  assert.deepEqual(out.lines[0]!.values, [1, undefined, 2, 3, null, 4]);
  assert.deepEqual(out.lines[1]!.values, [1, 1, 1, null, null, null]);
});

test("values that are no numbers are gaps, and gaps shorter than spanNulls are bridged", () => {
  const times = [0, 10, 20, 30, 40, 50, 60];
  const out = lines([frame("a", times, [1, NaN, 2, null, null, null, 3], { spanNulls: 25 })]);
  assert.deepEqual(out.lines[0]!.values, [1, undefined, 2, null, null, null, 3]);
});

test("stacks add up; a hidden line gives way; negative ones go down", () => {
  const stacking = { mode: "normal", group: "A" };
  const three = ["a", "b", "c"].map((name, at) => frame(name, [0, 10], [at + 1, null], { stacking }));
  assert.deepEqual(lines(three).lines.map((line) => line.drawn[0]), [1, 3, 6]);
  assert.deepEqual(lines(three).bands, [{ upper: 1, lower: 0 }, { upper: 2, lower: 1 }]);
  assert.deepEqual(lines(three, 10, ["b"]).lines.map((line) => line.drawn[0]), [1, 2, 4]);
  const down = lines([...three, frame("d", [0, 10], [5, 5], { stacking, transform: "negative-Y" })]);
  assert.equal(down.lines[3]!.drawn[0], -5);
  assert.deepEqual(down.lines[3]!.values, [5, 5]);
});

test("percent stacks end at one", () => {
  const stacking = { mode: "percent", group: "A" };
  const out = lines([frame("a", [0], [1], { stacking }), frame("b", [0], [3], { stacking })]);
  assert.deepEqual(out.lines.map((line) => line.drawn[0]), [0.25, 1]);
});

test("times out of order are put in order, and a file's numbers may be texts", () => {
  const out = lines([frame("a", [20, 0, 10], [3, 1, 2], { lineWidth: "2", fillOpacity: "20" })]);
  assert.deepEqual(out.timesMs, [0, 10, 20]);
  assert.deepEqual(out.lines[0]!.values, [1, 2, 3]);
  assert.equal(out.lines[0]!.custom.lineWidth, 2);
  assert.equal(out.lines[0]!.custom.fillOpacity, 20);
});
