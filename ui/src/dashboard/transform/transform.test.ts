import assert from "node:assert/strict";
import { test } from "node:test";

import type { Field, Frame } from "../model";
import { allNames } from "../names";
import { transform } from "./index";

const T = 1_700_000_000_000;
const column = (name: string, type: Field["type"], values: unknown[], labels?: Record<string, string>): Field => ({ name, type, values, config: { custom: {} }, ...(labels ? { labels } : {}) });
const series = (job: string, values: (number | null)[]): Frame => ({ refId: "A", length: values.length, fields: [column("Time", "time", values.map((_one, at) => T + at * 1000)), column("Value", "number", values, { job })] });
const table = (refId: string, hosts: string[], values: number[]): Frame => ({ refId, length: hosts.length, fields: [column("Time", "time", hosts.map(() => T)), column("host", "string", hosts), column(`Value #${refId}`, "number", values)] });

function run(frames: Frame[], ...steps: [string, Record<string, unknown>][]): Record<string, unknown[]>[] {
  const { frames: out } = transform(frames, steps.map(([id, options]) => ({ id, options, disabled: false })));
  const names = allNames(out);
  return out.map((frame) => Object.fromEntries(frame.fields.map((field) => [names.get(field), field.values])));
}

test("two instant queries become one table: merge, organize, sortBy", () => {
  assert.deepEqual(
    run([table("A", ["a", "b"], [1, 2]), table("B", ["b", "a"], [20, 10])], ["merge", {}], ["organize", { excludeByName: { Time: true }, indexByName: { host: 0, "Value #B": 1, "Value #A": 2 }, renameByName: { "Value #A": "Used", "Value #B": "All" } }], ["sortBy", { sort: [{ field: "All", desc: true }] }]),
    [{ host: ["b", "a"], All: [20, 10], Used: [2, 1] }],
  );
});

test("the same by joinByField, whose times are numbered", () => {
  assert.deepEqual(run([table("A", ["a", "b"], [1, 2]), table("B", ["b", "c"], [20, 30])], ["joinByField", { byField: "host", mode: "outer" }]), [{ host: ["a", "b", "c"], "Time 1": [T, T, null], "Value #A": [1, 2, null], "Time 2": [null, T, T], "Value #B": [null, 20, 30] }]);
  assert.deepEqual(run([table("A", ["a", "b"], [1, 2]), table("B", ["b", "c"], [20, 30])], ["joinByField", { byField: "host", mode: "inner" }], ["filterFieldsByName", { include: { pattern: "/host|Value/" } }]), [{ host: ["b"], "Value #A": [2], "Value #B": [20] }]);
});

test("series become rows of a reduction, or columns beside each other", () => {
  assert.deepEqual(run([series("a", [1, null, 3]), series("b", [5])], ["reduce", { reducers: ["lastNotNull", "max"] }]), [{ Field: ["a", "b"], "Last *": [3, 5], Max: [3, 5] }]);
  assert.deepEqual(run([series("a", [1, 2]), series("b", [5])], ["seriesToColumns", { byField: "Time" }]), [{ Time: [T, T + 1000], a: [1, 2], b: [5, null] }]);
  assert.deepEqual(run([series("a", [1]), series("b", [2])], ["labelsToFields", {}], ["merge", {}]), [{ Time: [T, T], Value: [1, 2], job: ["a", "b"] }]);
});

test("calculations between columns; with nothing nothing is calculated", () => {
  assert.deepEqual(run([series("a", [4, 6]), series("b", [2])], ["calculateField", { mode: "binary", binary: { left: "a", operator: "/", right: "b" }, alias: "ratio", replaceFields: true }]), [{ Time: [T, T + 1000], ratio: [2, null] }]);
  assert.deepEqual(run([table("A", ["a"], [0.5])], ["calculateField", { mode: "binary", binary: { left: { matcher: { id: "byName", options: "Value #A" } }, operator: "*", right: { fixed: "100" } } }]), [{ Time: [T], host: ["a"], "Value #A": [0.5], "Value #A * 100": [50] }]);
  assert.deepEqual(run([table("A", ["a", "b"], [1, 2])], ["calculateField", { mode: "reduceRow", reduce: { reducer: "sum", include: [] } }])[0]!.Total, [1, 2]);
});

test("groups, filters by value, renames, types, limits", () => {
  assert.deepEqual(run([table("A", ["a", "b", "a"], [1, 2, 3])], ["groupBy", { fields: { host: { operation: "groupby" }, "Value #A": { operation: "aggregate", aggregations: ["sum", "count"] } } }]), [{ host: ["a", "b"], "Value #A (sum)": [4, 2], "Value #A (count)": [2, 1] }]);
  assert.deepEqual(run([table("A", ["a", "b", "c"], [1, 2, 3])], ["filterByValue", { type: "include", match: "all", filters: [{ fieldName: "Value #A", config: { id: "greater", options: { value: 1 } } }, { fieldName: "host", config: { id: "regex", options: { value: "c|a" } } }] }])[0]!.host, ["c"]);
  assert.deepEqual(Object.keys(run([table("A", ["a"], [1])], ["renameByRegex", { regex: "Value #(.)", renamePattern: "Q$1" }])[0]!), ["Time", "host", "QA"]);
  assert.deepEqual(run([table("A", ["1", "x"], [1, 2])], ["convertFieldType", { conversions: [{ targetField: "host", destinationType: "number" }] }])[0]!.host, [1, null]);
  assert.deepEqual(run([table("A", ["a", "b"], [1, 2])], ["limit", { limitField: "1" }])[0]!.host, ["a"]);
});

test("long tables become series by their words", () => {
  const frame: Frame = { refId: "A", length: 3, fields: [column("Time", "time", [T, T, T + 1]), column("job", "string", ["a", "b", "a"]), column("Value", "number", [1, 2, 3])] };
  assert.deepEqual(run([frame], ["prepareTimeSeries", { format: "multi" }]), [{ Time: [T, T + 1], a: [1, 3] }, { Time: [T], b: [2] }]);
});

test("an unknown one is passed over and said; a disabled one is not", () => {
  const steps = [{ id: "magic", options: {}, disabled: false }, { id: "other", options: {}, disabled: true }];
  const { frames, warnings } = transform([series("a", [1])], steps);
  assert.equal(frames.length, 1);
  assert.deepEqual(warnings, ['the transformation "magic" is not known here and was passed over']);
});

test("no options at all are survived by all", async () => {
  const { TRANSFORMATIONS } = await import("./index");
  for (const [id, one] of Object.entries(TRANSFORMATIONS)) {
    for (const options of [{}, { fields: 1, sort: "x", filters: {}, conversions: null, reducers: 3, binary: [] }]) {
      for (const frames of [[], [series("a", [])], [table("A", ["a"], [1]), series("b", [1])]]) assert.ok(Array.isArray(one(frames, options)), id);
    }
  }
});
