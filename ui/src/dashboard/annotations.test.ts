import assert from "node:assert/strict";
import { test } from "node:test";

import { askAnnotations, stretches } from "./annotations";
import { loadDashboard } from "./load";
import type { Ask } from "./model";
import { scopeOf } from "./range";

const NOW = Date.UTC(2026, 0, 2, 12);

test("a dashboard without annotations shows alerts and deployments; its own queries come beside", async () => {
  const dashboard = loadDashboard({ annotations: { list: [{ name: "Restarts", enable: true, iconColor: "orange", expr: "changes(x[1m]) > 0", titleFormat: "{{job}} restarted", datasource: { type: "prometheus" } }, { name: "Logs", enable: true, expr: "{a}", datasource: { type: "loki" } }] } });
  assert.deepEqual(dashboard.annotations.map((one) => [one.name, one.from]), [["Alerts and deployments", "bellbuoy"], ["Restarts", "prometheus"]]);
  const scope = scopeOf(dashboard, { from: "now-1h", to: "now" }, "utc", NOW, 15_000);
  const ask: Ask = async () => ({ data: { resultType: "matrix", result: [{ metric: { job: "api" }, values: [[NOW / 1000 - 600, "1"], [NOW / 1000 - 540, "1"], [NOW / 1000 - 60, "1"]] }] } });
  const iso = (ms: number) => new Date(ms).toISOString();
  const own = async () => ({ annotations: [{ kind: "alert", start: iso(NOW - 1000), end: null, title: "Drift", text: "t", tags: ["a"], state: "firing" }, { kind: "alert", start: iso(NOW - 5000), end: null, title: "Not yet", state: "pending" }, { kind: "deployment", start: iso(NOW - 2000), end: null, title: "v2" }, { start: "never" }] });
  const { annotations, problems } = await askAnnotations(dashboard, scope, ask, own);
  assert.deepEqual(problems, []);
  assert.deepEqual(annotations.map((one) => [one.title, NOW - one.fromMs, one.toMs === undefined ? undefined : NOW - one.toMs]), [["api restarted", 600_000, 540_000], ["api restarted", 60_000, undefined], ["v2", 2000, undefined], ["Drift", 1000, 0]]);
});

test("one query that fails is said, the others stand", async () => {
  const dashboard = loadDashboard({ annotations: { list: [{ name: "Broken", enable: true, expr: "(" }] } });
  const scope = scopeOf(dashboard, { from: "now-1h", to: "now" }, "utc", NOW, 15_000);
  const { annotations, problems } = await askAnnotations(dashboard, scope, async () => Promise.reject(new Error("bad expression")), async () => ({ annotations: [{ kind: "event", start: new Date(NOW).toISOString(), title: "e" }] }));
  assert.equal(annotations.length, 1);
  assert.deepEqual(problems, ['annotations "Broken": bad expression']);
});

test("points that follow each other are one mark, zero and nothing end it", () => {
  assert.deepEqual(stretches([0, 60, 120, 180, 400], [1, 1, 0, 1, NaN], 60), [{ fromMs: 0, toMs: 60 }, { fromMs: 180 }]);
});
