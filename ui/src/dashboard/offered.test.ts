import assert from "node:assert/strict";
import { test } from "node:test";

import type { Scope, Variable } from "./model";
import { offeredIn } from "./offered";

const variable = (name: string, text: string | string[], more: Partial<Variable> = {}) => ({ variable: { name, label: name, type: "query", description: "", ...more } as Variable, current: { text, value: text } });

test("variables come before macros, each with what it is now", () => {
  const variables = { job: variable("job", ["a", "b"], { label: "Job" }), host: variable("host", "x".repeat(100)), every: variable("every", "5m", { type: "interval" }), more: variable("more", "", { type: "adhoc" }), source: variable("source", "default", { type: "datasource" }) };
  const offered = offeredIn({ variables } as unknown as Scope, { scoped: { job: { text: "b", value: "b" } } }, { __interval: "15s" });
  assert.deepEqual(offered.slice(0, 4).map(({ name, now }) => [name, now.length > 50 ? "long" : now]), [["job", "b"], ["host", "long"], ["every", "5m"], ["__rate_interval", ""]]);
  assert.equal(offered[0]!.about, "Job");
  assert.equal(offered.find((one) => one.name === "__interval")!.now, "15s");
  assert.deepEqual(offered.filter((one) => one.duration).map((one) => one.name), ["every", "__rate_interval", "__interval", "__range"]);
});
