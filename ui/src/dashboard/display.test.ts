import assert from "node:assert/strict";
import { test } from "node:test";

import { displayOf, displayText, seriesColor, thresholdLines } from "./display";
import { applyFieldConfig } from "./fieldconfig";
import type { Field, Frame } from "./model";
import { dataLinks, placeOf } from "./links";
import { readFieldConfig } from "./read-config";
import { formatUnit, joined } from "./units";

const unit = (id: string, value: number, decimals?: number) => joined(formatUnit(id, value, decimals, { timezone: "utc", nowMs: 0 }));

test("units of the dashboards that people have", () => {
  const expected: [string, number, string][] = [
    ["short", 1234567, "1.23 Mil"], ["bytes", 1234567, "1.18 MiB"], ["decbytes", 1234567, "1.23 MB"], ["none", 1234.567, "1235"], ["s", 93784, "1.09 days"], ["s", 0.0042, "4.20 ms"], ["ms", 90_000, "1.50 mins"], ["percent", 12.345, "12.3%"], ["percentunit", 0.1234, "12.3%"], ["reqps", 1234.5, "1.23K req/s"], ["ops", 5, "5 ops/s"], ["Bps", 2048, "2.05 kB/s"], ["binBps", 2048, "2 KiB/s"], ["pps", 1e6, "1 Mp/s"], ["dtdurations", 93784, "1 day"], ["µs", 1500, "1.50 ms"], ["us", 1500, "1.50 ms"], ["locale", 1234567, "1,234,567"], ["currencyUSD", -1234567, "-$1.23M"], ["/ sec", 3, "3 / sec"], ["documents/s", 2.5, "2.50 documents/s"], ["celsius", 21, "21 °C"], ["bool_yes_no", 0, "No"], ["dateTimeAsIso", 0, "1970-01-01 00:00:00"], ["time:YYYY", 0, "1970"], ["hex0x", 255, "0xFF"], ["constructor", 1, "1 constructor"],
  ];
  for (const [id, value, text] of expected) assert.equal(unit(id, value), text, id);
});

function fields(config: unknown, values: unknown[], labels: Record<string, string> = {}): Field {
  const frame: Frame = { refId: "A", length: values.length, fields: [{ name: "Time", type: "time", values: values.map((_one, at) => at * 1000), config: { custom: {} } }, { name: "Value", type: "number", values, labels, config: { custom: {} } }] };
  return applyFieldConfig([frame], readFieldConfig(config))[0]!.fields[1]!;
}

test("mappings come before units; nothing has its own text", () => {
  const field = fields({ defaults: { unit: "s", noValue: "no data", mappings: [{ type: "value", options: { "0": { text: "down", color: "red" } } }, { type: "range", options: { from: 5, to: null, result: { text: "slow" } } }, { type: "special", options: { match: "nan", result: { text: "unknown" } } }] } }, [0, 1, 7]);
  const display = displayOf(field, "dark", "utc");
  assert.deepEqual([0, 1, 7, NaN, null].map((value) => displayText(display(value))), ["down", "1 s", "slow", "unknown", "no data"]);
  assert.equal(display(0).color, "#F2495C");
});

test("mappings of before version 8", () => {
  const display = displayOf(fields({ defaults: { mappings: [{ type: 1, value: "1", text: "UP" }, { type: 2, from: "2", to: "3", text: "odd" }, { type: 1, value: "null", text: "?" }] } }, [1]), "dark");
  assert.deepEqual([1, 2.5, null, 4].map((value) => display(value).text), ["UP", "odd", "?", "4"]);
});

test("colours by thresholds, in values and in percent of the range", () => {
  const steps = [{ color: "green", value: null }, { color: "yellow", value: 50 }, { color: "red", value: 90 }];
  const absolute = fields({ defaults: { color: { mode: "thresholds" }, thresholds: { mode: "absolute", steps } } }, [1, 200]);
  assert.deepEqual([0, 50, 95].map((value) => displayOf(absolute, "dark")(value).color), ["#73BF69", "#FADE2A", "#F2495C"]);
  const percentage = fields({ defaults: { min: 0, max: 1000, color: { mode: "thresholds" }, thresholds: { mode: "percentage", steps } } }, [1, 200]);
  assert.deepEqual([100, 500, 950].map((value) => displayOf(percentage, "light")(value).color), ["#56A64B", "#F2CC0C", "#E02F44"]);
  assert.deepEqual(thresholdLines(percentage, "dark").map((line) => line.value), [-Infinity, 500, 900]);
  assert.equal(seriesColor(absolute, "dark"), "#F2495C");
});

test("overrides in order: by name, regex, type, query, value; the last wins", () => {
  const field = fields({ defaults: { unit: "short" }, overrides: [{ matcher: { id: "byType", options: "number" }, properties: [{ id: "unit", value: "s" }, { id: "custom.lineWidth", value: 2 }] }, { matcher: { id: "byRegexp", options: "/job-./" }, properties: [{ id: "unit", value: "ms" }] }, { matcher: { id: "byRegexp", options: "job" }, properties: [{ id: "unit", value: "bytes" }] }, { matcher: { id: "byValue", options: { reducer: "max", op: "gte", value: 5 } }, properties: [{ id: "custom.hideFrom.viz", value: true }] }, { matcher: { id: "byNames", options: { mode: "exclude", names: ["job-a"] } }, properties: [{ id: "displayName", value: "never" }] }, { matcher: { id: "byFrameRefID", options: "A" }, properties: [{ id: "displayName", value: "${__field.labels.job}!" }] }] }, [1, 5], { job: "job-a" });
  assert.deepEqual([field.config.unit, field.config.custom.lineWidth, field.config.custom.hideFrom, field.displayName], ["ms", 2, { viz: true }, "job-a!"]);
});

test("a property's name cannot reach what all objects share", () => {
  fields({ overrides: [{ matcher: { id: "byType", options: "number" }, properties: [{ id: "custom.__proto__.polluted", value: 1 }, { id: "custom.constructor.prototype.polluted", value: 1 }] }] }, [1]);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test("links carry the value's labels, escaped, and never a script", () => {
  const field = fields({ defaults: { unit: "s", links: [{ title: "To ${__field.labels.job}", url: "/d/abc/slug?var-job=${__field.labels.job}&${__url_time_range}&v=${__value.raw}" }, { title: "x", url: "javascript:alert(1)" }, { title: "y", url: "${__field.labels.evil}" }] } }, [1.5], { job: "a b&c", evil: "javascript:alert(1)" });
  const scope = { fromMs: 0, toMs: 1, raw: { from: "now-1h", to: "now" }, timezone: "utc", variables: {}, scrapeIntervalMs: 15_000, nowMs: 1 };
  const links = dataLinks(field, { fields: [field], length: 1 }, 0, scope);
  assert.deepEqual(links[0], { title: "To a b&c", url: "dashboards/abc?var-job=a%20b%26c&from=now-1h&to=now&v=1.5", inside: true, newTab: false });
  assert.ok(links.every((link) => !/^javascript:/i.test(link.url)));
  for (const url of ["javascript:x", " java\nscript:x", "JAVASCRIPT:x", "data:text/html,x", "vbscript:x", "//elsewhere", "\\\\elsewhere", ""]) assert.equal(placeOf(url), undefined, url);
});
