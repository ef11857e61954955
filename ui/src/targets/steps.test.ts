import assert from "node:assert/strict";
import { test } from "node:test";

import { changes, inWords } from "./steps";

test("what a step changed", () => {
  assert.deepEqual(changes({ a: "1", b: "2", c: "3" }, { b: "2", c: "4", d: "5" }), [
    { name: "a", kind: "removed", before: "1" },
    { name: "c", kind: "changed", before: "3", after: "4" },
    { name: "d", kind: "added", after: "5" },
  ]);
});

test("a step in words", () => {
  assert.equal(inWords({ source_labels: ["env", "zone"], regex: "prod;eu", action: "keep" }), "keep where env;zone matches prod;eu");
  assert.equal(inWords({ source_labels: ["__address__"], target_label: "instance" }), "where __address__ matches (.*), instance is $1");
  assert.equal(inWords({ regex: "__meta_(.+)", action: "labelmap" }), "copy labels whose name matches __meta_(.+) to $1");
});
