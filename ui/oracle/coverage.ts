/**
 * show: counts what of real dashboards can be drawn: `npx tsx oracle/coverage.ts FOLDER...`. Reads every `*.json` below the folders that looks like a
 * dashboard; prints a line for each that is not whole, and the sums. Ends with 1 when one of them cannot be loaded at all.
 */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";

import { countPanels, loadDashboard } from "../src/dashboard/load";
import type { Panel } from "../src/dashboard/model";
import { TRANSFORMATIONS } from "../src/dashboard/transform";

const folders = process.argv.slice(2);
const total = { files: 0, whole: 0, panels: 0, drawable: 0, problems: 0, variables: 0, failed: 0 };
const reasons = new Map<string, number>();
const types = new Map<string, number>();
const unknown = new Map<string, number>();
const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);

for (const file of folders.flatMap(filesBelow)) one(file);

console.log(`${total.files} dashboards, ${total.whole} whole; ${total.drawable} of ${total.panels} panels can be drawn; ${total.variables} variables; ${total.problems} problems; ${total.failed} failed`);
show("panels by type", types);
show("not drawn because", reasons);
show("transformations that are not known", unknown);
process.exitCode = total.failed > 0 ? 1 : 0;

function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json")).map((name) => join(path, name));
}

function one(file: string): void {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch {
    return;
  }
  if (typeof json !== "object" || json === null || !["panels", "rows", "dashboard", "spec", "elements"].some((key) => key in json)) return;
  total.files++;
  try {
    const dashboard = loadDashboard(json);
    const { panels, drawable } = countPanels(dashboard);
    total.panels += panels;
    total.drawable += drawable;
    total.variables += dashboard.variables.length;
    total.problems += dashboard.problems.length + dashboard.variables.filter((variable) => variable.problem !== undefined).length;
    if (panels === drawable && dashboard.problems.length === 0) total.whole++;
    else console.log(`${basename(file)}: ${drawable} of ${panels}${dashboard.problems.length > 0 ? `; ${dashboard.problems.slice(0, 3).join("; ")}` : ""}`);
    dashboard.panels.forEach(tally);
  } catch (error) {
    total.failed++;
    console.log(`${basename(file)}: FAILED: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

function tally(panel: Panel): void {
  panel.panels?.forEach(tally);
  count(types, panel.type === panel.originalType ? panel.type : `${panel.originalType} -> ${panel.type}`);
  if (panel.undrawable !== undefined) count(reasons, panel.undrawable);
  for (const step of panel.transformations) if (!(step.id in TRANSFORMATIONS)) count(unknown, step.id);
}

function show(title: string, map: Map<string, number>): void {
  if (map.size > 0) console.log(`${title}: ${[...map].sort((a, b) => b[1] - a[1]).map(([key, n]) => `${key} ${n}`).join(", ")}`);
}
