import assert from "node:assert/strict";
import { test } from "node:test";

import { exploreOf, internalAddress } from "./explore";
import { dataLinks, placeOf } from "./links";
import type { Field, Scope } from "./model";
import { readLinks } from "./read-config";
import { read } from "../query/address";

const questions = (address: string) => {
  const found = exploreOf(address);
  return found && "url" in found ? read(new URLSearchParams(found.url.replace("query?", ""))).map(({ expr, tab, rangeSeconds, end }) => [expr, tab, rangeSeconds, end]) : found;
};
const left = (value: unknown) => `/explore?orgId=1&left=${encodeURIComponent(JSON.stringify(value))}`;

test("Explore's addresses of all ages lead to the query page", () => {
  assert.deepEqual(questions(left({ datasource: "prom-1", queries: [{ refId: "A", expr: 'up{job="a&b"} > 0' }], range: { from: "now-6h", to: "now" } })), [['up{job="a&b"} > 0', "graph", 21_600, undefined]]);
  assert.deepEqual(questions(left(["now-15m", "now", "Prometheus", { expr: "up" }, { mode: "Metrics" }])), [["up", "graph", 900, undefined]]);
  const panes = { a: { datasource: "x", queries: [{ expr: "up", instant: true }, { expr: "rate(x[5m])", datasource: { type: "prometheus", uid: "x" } }], range: { from: "1795281000000", to: 1_795_284_600_000 } } };
  assert.deepEqual(questions(`explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify(panes))}`), [
    ["up", "table", 3600, 1_795_284_600],
    ["rate(x[5m])", "graph", 3600, 1_795_284_600],
  ]);
});

test("what is not for us says so, and no other address is taken for Explore", () => {
  const why = (address: string) => (exploreOf(address) as { why: string }).why;
  assert.match(why(left({ datasource: "loki", queries: [{ expr: "{job=\"x\"}" }] })), /data source "loki"/);
  assert.match(why(left({ datasource: "P1", queries: [{ query: "abc", datasource: { type: "tempo", uid: "P1" } }] })), /data source "tempo"/);
  assert.match(why(left({ datasource: "P1", queries: [{ query: "abc" }] })), /no PromQL/);
  for (const address of ["/explore?left=%7Bbroken", "/explore?left=null", "/explore?panes=[1]", "/explore?"]) assert.match(why(address), /without a query/, address);
  for (const address of ["https://grafana.example/explore?left={}", "/explored?left=1", "/d/explore?x", "explore"]) assert.equal(exploreOf(address), undefined, address);
  assert.deepEqual(placeOf("/explore?left=[]"), { url: "", inside: true, why: "it leads to Grafana's Explore, without a query that could be asked here" });
});

test("a data link with a query of its own carries the value, which stays a part of it", () => {
  const internal = { datasourceUid: "prom", datasourceName: "Prometheus", query: { refId: "A", expr: 'rate(x{job="${__field.labels.job}"}[5m]) % 3' } };
  const field = { name: "v", type: "number", values: [1], labels: { job: "a&b +#" }, config: { links: readLinks([{ title: "More", internal }]) } } as unknown as Field;
  const scope = { fromMs: 0, toMs: 1, raw: { from: "now-1h", to: "now" }, timezone: "utc", variables: {}, scrapeIntervalMs: 15_000, nowMs: 1 } as unknown as Scope;
  const [link] = dataLinks(field, { fields: [field], length: 1 }, 0, scope);
  assert.equal(read(new URLSearchParams(link!.url.replace("query?", "")))[0]?.expr, 'rate(x{job="a&b +#"}[5m]) % 3');
  assert.ok(link!.inside && link!.why === undefined);
  const hostile = { ...field, labels: { job: '"}],"x":1' } };
  assert.match(dataLinks(hostile, { fields: [hostile], length: 1 }, 0, scope)[0]?.why ?? "", /Explore/);
  const [tempo] = readLinks([{ title: "Trace", url: "", internal: { datasourceUid: "Pabc", datasourceName: "Tempo", query: { query: "x", expr: "x" } } }]);
  assert.match((exploreOf(tempo!.url) as { why: string }).why, /Tempo/);
  assert.equal(exploreOf(internalAddress({})) !== undefined, true);
});
