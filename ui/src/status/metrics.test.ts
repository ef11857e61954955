import assert from "node:assert/strict";
import { test } from "node:test";

import { losses, readOwn, total } from "./metrics";

const TEXT = `# HELP a_total x
a_dropped_total{why="a } b",x="1"} 3
a_dropped_total 4
b_seconds_sum 1.5e-3 1700000000000
c_too_old_samples_total 0
d NaN
nonsense
`;

test("own counters are read, sums are made, losses are found", () => {
  const own = readOwn(TEXT);
  assert.deepEqual(own.map((one) => one.value), [3, 4, 0.0015, 0]);
  assert.equal(own[0]?.labels, 'why="a } b",x="1"');
  assert.equal(total(own, "a_dropped_total"), 7);
  assert.equal(total(own, "zzz"), undefined);
  assert.deepEqual(losses(own).map((one) => one.name), ["a_dropped_total", "a_dropped_total", "c_too_old_samples_total"]);
});
