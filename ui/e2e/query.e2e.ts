/** show, tests: the query page: completion, the place of an error, table, graph, explain tree, addresses of Prometheus. */
import assert from "node:assert/strict";

import { accessible, browse, fits, shot } from "./harness";

const editor = ".cm-content";

browse("query: names are completed, Enter runs, the address says so", "stack", {}, async (page, { open }) => {
  await open("query");
  await page.locator(editor).click();
  await page.keyboard.type("job:up");
  await page.locator(".cm-tooltip-autocomplete li", { hasText: "job:up:count" }).waitFor();
  await page.waitForFunction(() => document.querySelector(".query-box > div")?.shadowRoot?.querySelector(".cm-tooltip-autocomplete li[aria-selected]"));
  // The list takes keys a moment after it opened; until it did, Enter does nothing.
  const list = () => page.locator(".cm-tooltip-autocomplete").isVisible();
  while (await list()) await page.keyboard.press("Enter", { delay: 40 });
  await page.waitForFunction(() => !document.querySelector(".query-box > div")?.shadowRoot?.querySelector(".cm-tooltip-autocomplete"));
  await page.keyboard.press("Enter");
  await page.locator("code.series", { hasText: 'job:up:count{job="fine"}' }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("g0.expr"), "job:up:count");
  await accessible(page);
  await shot(page, "stack query");
});

browse("query: an error names its place", "stack", { expects: [/400/] }, async (page, { open }) => {
  await open(`query?g0.expr=${encodeURIComponent("sum(up)\n  + nonsense(1)")}`);
  await page.getByRole("button", { name: "line 2, column 5" }).waitFor();
  await page.getByText('unknown function with name "nonsense"').waitFor();
  await page.locator(".cm-lintRange-error", { hasText: "nonsense" }).waitFor();
  await accessible(page);
  await page.locator(editor).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("sum(up");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter");
  await page.locator("code.series", { hasText: "{}" }).waitFor();
  assert.equal(await page.locator(".cm-lintRange-error").count(), 0);
  await page.goBack();
  await page.getByRole("button", { name: "line 2, column 5" }).waitFor();
  await shot(page, "stack query error");
});

browse("query: addresses of old Prometheus open as they were", "stack", {}, async (page, { url }) => {
  await page.goto(`${url}/graph?g0.expr=up&g0.tab=0&g0.range_input=15m&g0.stacked=1&g1.expr=count(up)&g1.tab=1`);
  await page.locator(".query-panel").nth(1).waitFor();
  assert.match(page.url(), /\/ui\/query\?/);
  await page.locator(".query-panel").first().locator(".chart canvas").waitFor();
  assert.equal(await page.getByLabel("range", { exact: true }).inputValue(), "15m");
  assert.equal(await page.getByLabel("stacked").isChecked(), true);
  await page.locator(".query-panel").nth(1).locator("code.series").waitFor();
  await accessible(page);
  await fits(page);
  await shot(page, "stack query graph");
});

browse("query: dragging over a graph zooms, back undoes it", "stack", {}, async (page, { open }) => {
  await open("query?g0.expr=up&g0.tab=graph&g0.range_input=1h");
  const over = page.locator(".u-over");
  await over.waitFor();
  const box = await over.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 40, { steps: 6 });
  await page.mouse.up();
  await page.waitForFunction(() => new URLSearchParams(location.search).has("g0.end_input"));
  assert.match(new URL(page.url()).searchParams.get("g0.range_input") ?? "", /^1[45]m/);
  await page.goBack();
  await page.waitForFunction(() => new URLSearchParams(location.search).get("g0.range_input") === "1h");
});

browse("query: the explain tree counts what each part gives", "stack", { dark: true }, async (page, { open }) => {
  await open(`query?g0.expr=${encodeURIComponent("sum by (job) (up) + on (job) group_left () nothing_at_all")}&g0.tab=explain`);
  await page.locator(".tree-node").nth(3).waitFor();
  await page.locator(".tree-node.empty", { hasText: "nothing_at_all" }).last().waitFor();
  await page.locator(".tree-node", { hasText: "up" }).locator(".tree-count", { hasText: "series" }).first().waitFor();
  await accessible(page);
  await shot(page, "stack query explain");
});

browse("query: hostile labels stay texts, on a phone", "stack", { phone: true }, async (page, { open }) => {
  for (const tab of ["table", "graph"]) {
    await open(`query?g0.expr=hostile&g0.tab=${tab}`);
    await page.locator("code", { hasText: "onerror" }).first().waitFor();
    assert.equal(await page.locator("main img, main script").count(), 0);
    await fits(page);
  }
});

browse("query: a metric is found by what it means", "demo", {}, async (page, { open }) => {
  await open("query");
  await page.getByRole("button", { name: "Metrics" }).click();
  await page.getByRole("searchbox", { name: "find a metric" }).fill("model_drift_share");
  await page.locator(".metrics code", { hasText: "bellbuoy_model_drift_share" }).first().click();
  await page.locator(editor, { hasText: "bellbuoy_model_drift_share" }).waitFor();
});
