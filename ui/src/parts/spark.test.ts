import assert from "node:assert/strict";
import { test } from "node:test";

import { sparkPath } from "./spark";

test("gaps stay gaps, the threshold is inside", () => {
  const drawn = sparkPath([0, 1, null, 2], undefined, 4, 106, 26);
  assert.equal(drawn?.line, "M3 23L36.3 18M103 13");
  assert.equal(drawn?.threshold, 3);
  assert.deepEqual(drawn?.last, [103, 13]);
});

test("nothing is drawn of nothing, and one value is in the middle", () => {
  assert.equal(sparkPath([null, NaN], undefined, 1, 100, 20), undefined);
  assert.equal(sparkPath([5], undefined, undefined, 100, 20)?.line, "M50 10");
});
