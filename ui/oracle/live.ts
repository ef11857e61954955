/**
 * show: asks every panel of dashboards at a running server, as the page does: `npx tsx oracle/live.ts http://127.0.0.1:9090 [FOLDER...]`. Without folders
 * the server's own dashboards. Prints each panel that has no data, with the reason, and the sums. Ends with 1 when a query failed.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { loadDashboard } from "../src/dashboard/load";
import type { Ask, Panel } from "../src/dashboard/model";
import { runPanel } from "../src/dashboard/query";
import { scopeOf } from "../src/dashboard/range";
import { expandRepeats } from "../src/dashboard/repeat";
import { resolveVariables } from "../src/dashboard/variables";

const [url = "http://127.0.0.1:9090", ...folders] = process.argv.slice(2);
const total = { dashboards: 0, panels: 0, drawn: 0, empty: 0, failed: 0, requests: 0 };

const ask: Ask = async (path, params, abort) => {
  total.requests++;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) search.append(name, String(one));
  const response = await fetch(`${url}/api/v1/${path}?${search.toString()}`, { signal: abort });
  const answer = (await response.json()) as { data: unknown; error?: string; warnings?: string[] };
  if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
  return answer;
};

for (const [name, json] of folders.length > 0 ? folders.flatMap(filesBelow) : await served()) await one(name, json);
console.log(`${total.dashboards} dashboards: ${total.drawn} of ${total.panels} panels have data, ${total.empty} are empty, ${total.failed} failed; ${total.requests} requests`);
process.exitCode = total.failed > 0 ? 1 : 0;

function filesBelow(folder: string): [string, unknown][] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => /dashboards?\/[^/]+\.json$/.test(file) || /^[^/]+\.json$/.test(file));
  return files.map((file) => [file, JSON.parse(readFileSync(join(folder, file), "utf8"))]);
}

async function served(): Promise<[string, unknown][]> {
  const found = (await (await fetch(`${url}/api/bellbuoy/dashboards`)).json()) as { data: { dashboards: { uid: string; file: string; problem: string | null }[] } };
  const kept = found.data.dashboards.filter((dashboard) => dashboard.problem === null);
  return Promise.all(kept.map(async ({ uid, file }): Promise<[string, unknown]> => [file, await (await fetch(`${url}/api/bellbuoy/dashboards/${encodeURIComponent(uid)}`)).json()]));
}

async function one(name: string, json: unknown): Promise<void> {
  const dashboard = loadDashboard(json);
  total.dashboards++;
  const scope = scopeOf(dashboard, dashboard.time, "utc", Date.now(), 15_000);
  scope.variables = await resolveVariables(dashboard, new URLSearchParams(), scope, ask);
  for (const { variable } of Object.values(scope.variables)) if (variable.problem !== undefined) console.log(`${name}: variable ${variable.name}: ${variable.problem}`);
  const panels = expandRepeats(dashboard.panels, scope.variables).panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  for (const panel of panels) if (panel.type !== "row" && panel.targets.length > 0) await draw(name, panel, scope);
}

async function draw(name: string, panel: Panel, scope: ReturnType<typeof scopeOf>): Promise<void> {
  total.panels++;
  const data = await runPanel(panel, scope, ask, 800);
  if (data.error !== undefined) {
    total.failed++;
    console.log(`${name}: ${panel.title}: FAILED: ${data.error}\n    ${data.sent.map((sent) => sent.expr).join("\n    ")}`);
  } else if (data.emptyReason !== undefined || panel.undrawable !== undefined) {
    total.empty++;
    console.log(`${name}: ${panel.title}: ${panel.undrawable ?? data.emptyReason}`);
  } else total.drawn++;
}
