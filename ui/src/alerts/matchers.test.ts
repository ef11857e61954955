import assert from "node:assert/strict";
import { test } from "node:test";

import { matches, read, takes, written } from "./matchers";

test("matchers and words are told apart", () => {
  const filter = read('{severity="critical", team=~"a|b" instance!=host:9100 latency "two words"}');
  assert.deepEqual(filter.matchers.map(written), ['severity="critical"', 'team=~"a|b"', 'instance!="host:9100"']);
  assert.deepEqual(filter.words, ["latency", "two words"]);
  assert.equal(filter.problem, undefined);
});

test("a broken regular expression is named and matches nothing", () => {
  const filter = read('team=~"("');
  assert.match(filter.problem ?? "", /team=~/);
  assert.equal(takes(filter, { team: "(" }), false);
});

test("regular expressions are anchored; an absent label is empty", () => {
  const one = (text: string) => read(text).matchers[0] ?? assert.fail();
  assert.equal(matches(one('team=~"a"'), { team: "ab" }), false);
  assert.equal(matches(one('team=~"a.*"'), { team: "ab" }), true);
  assert.equal(matches(one('team=""'), {}), true);
  assert.equal(matches(one('team!="x"'), {}), true);
});

test("words look at names and values", () => {
  assert.equal(takes(read("drift BIKE"), { model: "bike-traffic" }, "HighDriftDetected"), true);
  assert.equal(takes(read("drift car"), { model: "bike-traffic" }, "HighDriftDetected"), false);
});

test("what is written is read again", () => {
  const matcher = { name: "path", value: 'C:\\a "b"', isRegex: false, isEqual: true };
  assert.deepEqual(read(written(matcher)).matchers, [matcher]);
});
