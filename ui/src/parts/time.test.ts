import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, brief, clock, dateTime, duration, millis, parseDuration, promDuration, stopwatch } from "./time";

test("Prometheus' zero time, null and nonsense are never", () => {
  for (const when of ["0001-01-01T00:00:00Z", null, undefined, "", "yesterday"]) {
    assert.equal(millis(when), undefined);
    assert.equal(ago(when, 0), "never");
    assert.equal(clock(when), "never");
  }
  assert.equal(millis("1970-01-01T00:00:01Z"), 1000);
});

test("ago has one unit and knows the future", () => {
  const at = Date.parse("2026-11-21T12:00:00Z");
  assert.equal(ago(at - 3200, at), "3 s ago");
  assert.equal(ago(at + 61_000, at), "in 1 min");
  assert.equal(ago(at - 400, at), "now");
  assert.equal(ago(at - 26 * 3_600_000, at), "1 d ago");
});

test("the clock has 24 hours", () => {
  const evening = new Date(2026, 10, 21, 23, 4, 5).getTime();
  assert.equal(clock(evening), "23:04:05");
  assert.equal(dateTime(evening, evening), "21 Nov 23:04:05");
  assert.equal(dateTime(evening, new Date(2027, 1, 1).getTime()), "21 Nov 2026 23:04:05");
  assert.equal(brief(evening, evening), "23:04:05");
  assert.equal(brief(evening, evening + 86_400_000), "21 Nov 23:04:05");
});

test("lengths of time", () => {
  const cases: [number, string][] = [
    [0, "0 s"], [0.0000123, "12 µs"], [0.0014, "1.4 ms"], [0.35, "350 ms"], [3.21, "3.2 s"], [125, "2 min 5 s"], [120, "2 min"],
    [3600 * 27, "1 d 3 h"], [-5, "-5 s"],
  ];
  for (const [seconds, text] of cases) assert.equal(duration(seconds), text);
  assert.equal(duration(null), "unknown");
  assert.equal(stopwatch(42), "0:42");
  assert.equal(stopwatch(3723), "1:02:03");
});

test("lengths of time as files write them, both ways", () => {
  for (const text of ["5m", "1h30m", "15d", "200ms", "1m30s"]) assert.equal(promDuration(parseDuration(text) ?? -1), text);
  assert.equal(promDuration(0), "0s");
  assert.equal(parseDuration("2w"), 1_209_600);
  assert.equal(parseDuration("90"), 90);
  for (const text of ["", "soon", "5 parsecs", "-5m", "m5"]) assert.equal(parseDuration(text), undefined);
});
