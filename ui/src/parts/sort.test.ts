import assert from "node:assert/strict";
import { test } from "node:test";

import { ordered } from "./sort";

test("numbers in texts count, unknown is last both ways, equal rows keep their order", () => {
  const rows = [["api-10", 1], ["api-9", NaN], ["API-9", 1], ["b", 0]] as const;
  assert.deepEqual(ordered(rows, (row) => row[0]).map((row) => row[0]), ["api-9", "API-9", "api-10", "b"]);
  assert.deepEqual(ordered(rows, (row) => row[1]).map((row) => row[0]), ["b", "api-10", "API-9", "api-9"]);
  assert.deepEqual(ordered(rows, (row) => row[1], true).map((row) => row[0]), ["api-10", "API-9", "b", "api-9"]);
});
