import assert from "node:assert/strict";
import { test } from "node:test";

import { brief } from "../parts/time";
import { clockOf, localTimes, pieces } from "./words";

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

test("times of the server's sentences are said in the reader's zone", () => {
  const at = "2026-11-21T23:46:27.5Z";
  const now = Date.parse(at);
  assert.equal(localTimes("fires since 23:18:09 UTC, told at 23:40 UTC", at), `fires since ${brief("2026-11-21T23:18:09Z", now)}, told at ${brief("2026-11-21T23:40:00Z", now)}`);
  assert.equal(localTimes("since 2026-11-19 10:08:30 UTC", at), `since ${brief("2026-11-19T10:08:30Z", now)}`);
  assert.equal(localTimes("since 99:99 UTC, 12:00 CET", at), "since 99:99 UTC, 12:00 CET");
});
