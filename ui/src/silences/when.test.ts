import assert from "node:assert/strict";
import { test } from "node:test";

import { parseWhen, writeWhen } from "./when";

test("a time of the day has 24 hours, and comes back as it was typed", () => {
  const at = parseWhen("2026-11-21 18:30", 0);
  assert.equal(at, new Date(2026, 10, 21, 18, 30).getTime());
  assert.equal(writeWhen(at ?? 0), "2026-11-21 18:30");
  assert.equal(writeWhen(parseWhen("2026-01-02T03:04:05", 0) ?? 0), "2026-01-02 03:04:05");
});

test("a length counts from the start, a zone is honoured, anything else is nothing", () => {
  assert.equal(parseWhen("2h", 1000), 7_201_000);
  assert.equal(parseWhen("2026-11-21T18:30:00Z", 0), Date.parse("2026-11-21T18:30:00Z"));
  for (const text of ["", "6 pm", "2026-13-01 10:00", "2026-02-30 10:00", "2026-02-03 25:00"]) assert.equal(parseWhen(text, 0), undefined, text);
});
