import assert from "node:assert/strict";
import { test } from "node:test";

import type { Frame } from "../dashboard/model";
import { csvOf } from "./dashboard-data";

const series = (name: string, times: number[], values: unknown[]): Frame => ({
  name,
  length: times.length,
  fields: [
    { name: "Time", type: "time", values: times, config: { custom: {} } },
    { name: "Value", type: "number", values, config: { custom: {} }, displayName: name },
  ],
});

test("series stand side by side by their times", () => {
  assert.equal(csvOf([series("a", [0, 1000], [1, 2]), series("b", [1000, 2000], [3, null])]), "Time,a,b\r\n1970-01-01T00:00:00.000Z,1,\r\n1970-01-01T00:00:01.000Z,2,3\r\n1970-01-01T00:00:02.000Z,,");
});

test("texts of others are no formulas and break no line", () => {
  const frame: Frame = { length: 2, fields: [{ name: "=cmd()", type: "string", values: ['a "b", c', "-1+1|x"], config: { custom: {} } }, { name: "n", type: "number", values: [-1, 2.5], config: { custom: {} } }] };
  assert.equal(csvOf([frame]), '\'=cmd(),n\r\n"a ""b"", c",-1\r\n\'-1+1|x,2.5');
});
