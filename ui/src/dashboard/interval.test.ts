import assert from "node:assert/strict";
import { test } from "node:test";

import { calculateInterval, durationMs, durationText, stepsOf } from "./interval";
import { parseRange, parseTime } from "./range";

const HOUR = 3_600_000;
const steps = (rangeMs: number, interval = "", more: { minInterval?: string; intervalFactor?: number } = {}) => {
  const made = stepsOf({ rangeMs, points: 1000, panel: { minInterval: more.minInterval ?? "" }, target: { interval, intervalFactor: more.intervalFactor ?? 1 }, scrapeIntervalMs: 15_000 });
  return [made.stepMs / 1000, made.macros.__interval, made.macros.__rate_interval];
};

test("Grafana's steps at 1000 points and a scrape every 15 s", () => {
  assert.deepEqual(steps(HOUR), [15, "15s", "1m"]);
  assert.deepEqual(steps(6 * HOUR), [20, "20s", "1m"]);
  assert.deepEqual(steps(24 * HOUR), [60, "1m", "75s"]);
  assert.deepEqual(steps(7 * 24 * HOUR), [600, "10m", "615s"]);
});

test("smallest steps of panel and query, factors, and a step that is the rate's window", () => {
  assert.deepEqual(steps(HOUR, "", { minInterval: ">30s" }), [30, "30s", "1m"]);
  assert.deepEqual(steps(HOUR, "5s"), [5, "5s", "20s"]);
  assert.deepEqual(steps(HOUR, "1m"), [60, "1m", "4m"]);
  assert.deepEqual(steps(HOUR, "", { intervalFactor: 2 }), [30, "30s", "1m"]);
  assert.deepEqual(steps(HOUR, "$__rate_interval"), [60, "1m", "1m"]);
});

test("never more points than Prometheus gives", () => {
  const step = stepsOf({ rangeMs: 365 * 24 * HOUR, points: 1_000_000, panel: { minInterval: "1s" }, target: { interval: "1s", intervalFactor: 1 }, scrapeIntervalMs: 15_000 }).stepMs;
  assert.ok((365 * 24 * HOUR) / step <= 11_000, String(step));
});

test("lengths of time, there and back", () => {
  assert.deepEqual(["15s", ">1m", "1m30s", "20", "1.5h", "250ms", "", "abc", "5 potatoes"].map(durationMs), [15_000, 60_000, 90_000, 20_000, 5_400_000, 250, undefined, undefined, undefined]);
  assert.deepEqual([15_000, 90_000, 86_400_000, 250, 3_600_000].map(durationText), ["15s", "90s", "1d", "250ms", "1h"]);
  assert.equal(calculateInterval(HOUR, 0, 0), HOUR);
});

test("words for times, in a time zone with summer time", () => {
  const now = Date.UTC(2026, 2, 29, 10, 30);
  const at = (words: string, end = false) => new Date(parseTime(words, now, "Europe/Berlin", end)!).toISOString();
  assert.equal(at("now/d"), "2026-03-28T23:00:00.000Z");
  assert.equal(at("now/d", true), "2026-03-29T21:59:59.999Z");
  assert.equal(at("now-1d/d"), "2026-03-27T23:00:00.000Z");
  assert.equal(at("now/w"), "2026-03-22T23:00:00.000Z");
  assert.equal(at("2026-03-29 12:00:00"), "2026-03-29T10:00:00.000Z");
  assert.equal(at("2026-03-29T12:00:00+01:00"), "2026-03-29T11:00:00.000Z");
  assert.equal(at("1767355200000"), "2026-01-02T12:00:00.000Z");
  for (const words of ["now-9999999y/d", "now+999999999999M/w", "99999999999999999999", "now-", "now*2", "tomorrow", "now-1x", "", "2026-13-01"]) assert.equal(parseTime(words, now, "Europe/Berlin"), undefined, words);
});

test("a range that says nothing is the last hour; one the wrong way round is turned", () => {
  assert.deepEqual(parseRange({ from: "x", to: "y" }, 10 * HOUR, "utc"), { fromMs: 9 * HOUR, toMs: 10 * HOUR });
  assert.deepEqual(parseRange({ from: "now", to: "now-1h" }, 10 * HOUR, "utc"), { fromMs: 9 * HOUR, toMs: 10 * HOUR });
});
