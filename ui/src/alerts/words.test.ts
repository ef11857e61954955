import assert from "node:assert/strict";
import { test } from "node:test";

import { clockOf, pieces } from "./words";

test("the clock of `for` stays within it", () => {
  assert.equal(clockOf(42, 300), "0:42 of 5:00");
  assert.equal(clockOf(4000, 7200), "1:06:40 of 2:00:00");
  assert.equal(clockOf(900, 300), "5:00 of 5:00");
  assert.equal(clockOf(0.42, 1), "0.4s of 1s");
  assert.equal(clockOf(0.1, 0.2), "0.1s of 200ms");
});

test("code and addresses stand out in a text, and nothing becomes markup", () => {
  assert.deepEqual(pieces("Run `ps`, see https://x.org/a(b). <b>Then</b>"), [
    { kind: "text", text: "Run " },
    { kind: "code", text: "ps" },
    { kind: "text", text: ", see " },
    { kind: "url", text: "https://x.org/a(b" },
    { kind: "text", text: "). <b>Then</b>" },
  ]);
});
