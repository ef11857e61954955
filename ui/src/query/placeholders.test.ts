import assert from "node:assert/strict";
import { test } from "node:test";

import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";

import { offeredAt } from "./placeholders";

const OFFERED = [
  { name: "job", now: "a, b", about: "Job", duration: false },
  { name: "__rate_interval", now: "1m", about: "", duration: true },
];
/** `|` is the cursor. Gives the text with the first of the list taken, and the whole list. */
function at(text: string, offered = OFFERED) {
  const pos = text.indexOf("|");
  const doc = text.replace("|", "");
  const found = offeredAt(() => offered)(new CompletionContext(EditorState.create({ doc }), pos, false));
  return found && { first: doc.slice(0, found.from) + found.options[0]!.label + doc.slice(found.to ?? pos), all: found.options.map((one) => one.label) };
}

test("a name behind a dollar is completed, with and without braces, also within strings", () => {
  assert.deepEqual(at('up{job=~"$j|"}'), { first: 'up{job=~"$job"}', all: ["$job", "$__rate_interval"] });
  assert.equal(at('up{job=~"${|}"}')!.first, 'up{job=~"${job}"}');
  assert.equal(at("up{job=~'${jo|'}")!.first, "up{job=~'${job}'}");
});

test("behind an opening bracket lengths of time are offered; elsewhere nothing is", () => {
  assert.deepEqual(at("rate(x[|])"), { first: "rate(x[$__rate_interval])", all: ["$__rate_interval"] });
  assert.equal(at("rate(x|"), null);
  assert.equal(at("up{job=~\"$j|\"}", []), null);
});
