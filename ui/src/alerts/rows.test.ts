import assert from "node:assert/strict";
import { test } from "node:test";

import { rows, sections, type Known } from "./rows";
import type { Rule, RoutedAlert } from "./types";

const rule = (name: string, more: Partial<Rule> = {}): Rule => ({
  type: "alerting", name, query: "x > 2", health: "ok", evaluationTime: 0, lastEvaluation: "", labels: { severity: "warning" }, state: "inactive", duration: 60, alerts: [], ...more,
});
const firing = (labels: Record<string, string>) => ({ labels, annotations: {}, state: "firing" as const, activeAt: "2026-11-21T10:00:00Z", value: "3e+00" });
const routed = (labels: Record<string, string>, more: Partial<RoutedAlert["status"]> = {}): RoutedAlert => ({
  labels, annotations: {}, startsAt: "2026-11-21T10:00:00Z", endsAt: "", updatedAt: "", fingerprint: "1", receivers: [{ name: "discord" }],
  status: { state: "active", silencedBy: [], inhibitedBy: [], ...more },
});
const known = (rules: Rule[], more: Partial<Known> = {}): Known => ({
  groups: [{ name: "g", file: "/etc/a.yml", interval: 10, rules }], routed: [], silences: [], noData: new Set(), ...more,
});

test("an alert of a rule and of the router is one row, with who is told", () => {
  const labels = { alertname: "A", severity: "critical", instance: "b" };
  const made = rows(known([rule("A", { alerts: [firing(labels)] })], { routed: [routed({ instance: "b", severity: "critical", alertname: "A" })] }));
  assert.equal(made.length, 1);
  assert.deepEqual([made[0]?.state, made[0]?.severity, made[0]?.value, made[0]?.receivers], ["firing", "critical", 3, ["discord"]]);
});

test("a silenced alert says by whom", () => {
  const labels = { alertname: "A" };
  const silence = { id: "s1", matchers: [], startsAt: "", endsAt: "2026-11-21T12:00:00Z", createdBy: "mia", comment: "known", status: { state: "active" as const } };
  const made = rows(known([rule("A", { alerts: [firing(labels)] })], { routed: [routed(labels, { state: "suppressed", silencedBy: ["s1"] })], silences: [silence] }));
  assert.deepEqual([made[0]?.state, made[0]?.silences[0]?.createdBy], ["silenced", "mia"]);
});

test("a rule without samples is no inactive one, and one that fails is neither", () => {
  const made = rows(known([rule("A"), rule("B"), rule("C", { health: "err", lastError: "many-to-many" })], { noData: new Set(["/etc/a.yml\u0000g\u00000"]) }));
  assert.deepEqual(made.map((row) => [row.name, row.state]), [["A", "nodata"], ["B", "inactive"], ["C", "failing"]]);
});

test("alerts that were posted have rows too", () => {
  const made = rows(known([], { routed: [routed({ alertname: "Event", kind: "event" })] }));
  assert.deepEqual([made[0]?.name, made[0]?.posted, made[0]?.labels, made[0]?.state], ["Event", true, { kind: "event" }, "event"]);
});

test("an inhibited alert names what inhibits it", () => {
  const made = rows(known([], { routed: [routed({ alertname: "Down" }), { ...routed({ alertname: "Slow" }, { inhibitedBy: ["1", "2"] }), fingerprint: "3" }] }));
  assert.deepEqual(made.map((row) => [row.name, row.state, row.inhibited]), [["Down", "firing", []], ["Slow", "silenced", ["Down", "another alert"]]]);
});

test("sections come worst first", () => {
  const made = rows(known([rule("A"), rule("B", { alerts: [firing({ alertname: "B", severity: "info" })] }), rule("C", { alerts: [firing({ alertname: "C", severity: "critical" })] })]));
  assert.deepEqual(sections(made, "state").map(({ title, rows }) => [title, rows.map(({ name }) => name)]), [["Firing", ["C", "B"]], ["Inactive", ["A"]]]);
  assert.deepEqual(sections(made, "severity").map(({ title }) => title), ["critical", "warning", "info"]);
});
