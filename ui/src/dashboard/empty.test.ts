import assert from "node:assert/strict";
import { test } from "node:test";

import { loadDashboard } from "./load";
import type { Ask } from "./model";
import { runPanel } from "./query";
import { scopeOf } from "./range";

const NOW = Date.UTC(2026, 0, 2, 12);

/** A store with one series. Says how often it was asked. */
function store(): { ask: Ask; count: () => number } {
  let count = 0;
  const ask: Ask = async (path, params) => {
    count++;
    if (path === "query_range" || path === "query") return { data: { resultType: "matrix", result: [] } };
    const match = String(params["match[]"]);
    if (path === "series") return { data: ["up", 'up{job="api"}', "old"].includes(match) && (match !== "old" || params.start === undefined) ? [{}] : [] };
    return { data: ["api", "db"] };
  };
  return { ask, count: () => count };
}

async function reason(expr: string, list: unknown[] = []): Promise<[string | undefined, number]> {
  const dashboard = loadDashboard({ templating: { list }, panels: [{ type: "stat", targets: [{ expr }] }] });
  const scope = scopeOf(dashboard, { from: "now-1h", to: "now" }, "utc", NOW, 15_000);
  scope.variables = Object.fromEntries(dashboard.variables.map((variable) => [variable.name, { variable, current: variable.current }]));
  const { ask, count } = store();
  const data = await runPanel(dashboard.panels[0]!, scope, ask, 500);
  return [data.emptyReason, count()];
}

test("nothing came, and why", async () => {
  assert.match((await reason("sum(rate(requests_total[5m]))"))[0]!, /no series of requests_total/);
  assert.match((await reason('up{job="web"}'))[0]!, /up exists, but not with job="web"; there is job="api", job="db"/);
  assert.match((await reason("old > 3"))[0]!, /old has samples, but none in this range/);
  assert.match((await reason('rate(up{job="api"}[1s]) > 100'))[0]!, /its series exist, but the expression leaves none of them \(a rate needs two samples/);
  assert.equal((await reason(""))[0], "the query is empty");
  assert.match((await reason('up{job="$job"}', [{ name: "job", type: "query", query: "label_values(nothing, job)" }]))[0]!, /variable "job" is empty: label_values\(nothing, job\) found nothing/);
});

test("asking why is bounded", async () => {
  const many = Array.from({ length: 40 }, (_one, at) => `l${at}="x"`).join(",");
  const [said, asked] = await reason(`up{job="api",${many}}`);
  assert.ok(asked <= 18, String(asked));
  assert.match(said!, /up exists/);
});
