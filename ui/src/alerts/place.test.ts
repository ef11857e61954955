import assert from "node:assert/strict";
import { test } from "node:test";

import { pieceOf } from "./place";

test("bytes are not characters", () => {
  assert.deepEqual(pieceOf('up{a="é€"} > 1', [0, 13]), ["", 'up{a="é€"}', " > 1"]);
  assert.deepEqual(pieceOf("abc", [1, 2]), ["a", "b", "c"]);
  assert.deepEqual(pieceOf("abc", [2, 99]), ["ab", "c", ""]);
});
