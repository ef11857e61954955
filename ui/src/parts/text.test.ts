import assert from "node:assert/strict";
import { test } from "node:test";

import { cut, oneLine, safeUrl, seriesText, visible } from "./text";

test("marks that turn the direction of writing are seen", () => {
  assert.equal(visible("abc\u202Egnp.exe"), "abc⟨202E⟩gnp.exe");
  assert.equal(visible("a\u0000b"), "a⟨0000⟩b");
  assert.equal(visible("שלום\nx"), "שלום\nx");
  assert.equal(oneLine("a\r\nb\tc"), "a↵b⇥c");
});

test("a cut tears no character in two", () => {
  assert.equal(cut("ab🙂cd", 3), "ab");
  assert.equal(cut("ab🙂cd", 4), "ab🙂");
  assert.equal(cut("abc", 3), "abc");
});

test("only addresses that run nothing become links", () => {
  assert.equal(safeUrl("javascript:alert(1)"), undefined);
  assert.equal(safeUrl("data:text/html,x"), undefined);
  assert.equal(safeUrl("/relative"), undefined);
  assert.equal(safeUrl("https://wiki/x y"), "https://wiki/x%20y");
});

test("a series as PromQL writes it", () => {
  assert.equal(seriesText({ __name__: "up", job: 'a"b', instance: "x" }), 'up{job="a\\"b", instance="x"}');
  assert.equal(seriesText({ __name__: "up" }), "up");
  assert.equal(seriesText({ __name__: "my metric", "é": "1" }), '{"my metric", "é"="1"}');
  assert.equal(seriesText({}), "{}");
});
