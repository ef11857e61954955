import assert from "node:assert/strict";
import { test } from "node:test";

import { becameOf } from "./names";
import { comparisons, figureSelector, headline, marksOf, shownSeconds } from "./shared";
import type { Entry, Figure } from "./types";

const figure = (metric: string, more: Partial<Figure> = {}): Figure => ({ metric, value: 1, source: "realised", estimated: false, ...more });

test("the headline is what the decision looked at", () => {
  const decision = { at: "", outcome: "watch", severity: "", rule: null, reason: "", because: "", inputs: { rmse: { value: 60 } } };
  assert.equal(headline([figure("r2"), figure("rmse")], decision)?.metric, "rmse");
  assert.equal(headline([figure("mae"), figure("r2")])?.metric, "r2");
  assert.equal(headline([figure("r2", { estimated: true })]), undefined);
});

test("marks are oldest first, and decisions are none", () => {
  const entries: Entry[] = [
    { at: "2026-01-02T00:00:00Z", event: "training_success", decision: "deploy" },
    { at: "2026-01-01T12:00:00Z", event: "decision", outcome: "retrain" },
    { at: "2026-01-01T00:00:00Z", event: "deployment", outcome: "reject" },
    { at: "never", event: "training_failure" },
  ];
  assert.deepEqual(marksOf(entries).map(({ text }) => text), ["reject", "deployed"]);
});

test("a comparison needs both models", () => {
  const entries = [{ at: "", event: "training_success" }, { at: "", event: "deployment", current: { metric: "r2", champion: 1, challenger: 2, gain: 1 } }] as Entry[];
  assert.equal(comparisons(entries).length, 1);
});

test("names of models are quoted in selectors", () => {
  assert.match(figureSelector('a"b\\', "r2", "336 rows"), /model="a\\"b\\\\",metric="r2",window="336 rows"/);
});

test("a chart begins with its figure; of one that is seconds old two minutes are shown, not an hour with a dot at its end", () => {
  const since = (first: number) => ({ result: [{ value: [1000, String(first)] as [number, string] }] });
  assert.equal(shownSeconds({ result: [] }, 1_000_000), 120);
  assert.equal(shownSeconds(since(999_990), 1_000_000), 120);
  assert.equal(shownSeconds(since(999_000), 1_000_000), 1030);
  assert.equal(shownSeconds(since(0), 1_000_000), 604_800);
});

test("what became of a challenger, with the name that its training gave it", () => {
  const at = "2026-01-01T00:00:00Z";
  assert.equal(becameOf({ at, outcome: "reject", version: "4" }), "challenger v4 rejected");
  assert.equal(becameOf({ at, outcome: "skip", version: null }), "challenger not taken");
  assert.equal(becameOf({ at, outcome: "deploy", version: "run-ab12" }), "challenger run-ab12 deployed");
});
