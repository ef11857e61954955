/** show, tests: exemplars over charts: diamonds of a thousand, what they say by mouse and by keyboard, where they lead, what hostile labels do (nothing). */
import assert from "node:assert/strict";

import { accessible, browse, shot } from "./harness";
import { SCRIPT } from "./hostile";

const TRACE = "0102030405060708090a0b0c0d0e0f10";

/** A sum with a thousand exemplars of the last quarter of an hour, but for its last half minute, of which a page may not ask yet; of the newest of them the labels are hostile, the one before leads to a trace. */
async function push(url: string): Promise<void> {
  const now = Date.now();
  const exemplar = (at: number) => ({ timeUnixNano: String((now - 30_000 - (1000 - at) * 780) * 1_000_000), asDouble: 0.2 + ((at * 37) % 100) / 40, filteredAttributes: [{ key: "n", value: { stringValue: String(at) } }] });
  const exemplars: object[] = Array.from({ length: 998 }, (_one, at) => exemplar(at));
  exemplars.push({ ...exemplar(998), asDouble: 99, filteredAttributes: [], traceId: TRACE });
  exemplars.push({ ...exemplar(999), asDouble: 1.234, filteredAttributes: [{ key: "trace_id", value: { stringValue: SCRIPT } }] });
  const sum = (timeMs: number, behind: object[]) => ({ name: "slow", unit: "s", sum: { aggregationTemporality: 2, isMonotonic: false, dataPoints: [{ timeUnixNano: String(timeMs * 1_000_000), asDouble: 1.5, exemplars: behind }] } });
  for (const body of [sum(now - 60_000, []), sum(now, exemplars)]) {
    const response = await fetch(`${url}/api/v1/otlp/v1/metrics`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [body] }] }] }) });
    // The first one, for a line, is older than what an earlier push brought.
    if (body.sum.dataPoints[0]!.exemplars.length > 0) assert.equal(response.status, 200, await response.text());
  }
}

browse("exemplars: a thousand are few diamonds, with words, links and keys", "stack", {}, async (page, { url, open }) => {
  await push(url);
  await open("dashboards/exemplars");
  const diamonds = page.locator(".diamond");
  await diamonds.first().waitFor();
  const drawn = await diamonds.count();
  assert.ok(drawn > 20 && drawn <= 200, `${drawn} diamonds`);
  const said = await page.locator(".diamonds-note").textContent();
  assert.match(said ?? "", new RegExp(`^${drawn} of (\\d+) exemplars$`));
  assert.ok(Number(/of (\d+)/.exec(said ?? "")![1]) >= 1000, said ?? "");
  await accessible(page, "main");
  await shot(page, "exemplars");
  // Its value lies above the axis: it stands at the edge and leads to its trace.
  const linked = page.locator(`a.diamond[href*="${TRACE}"]`);
  assert.equal(await linked.getAttribute("href"), `https://traces.example/t/${TRACE}`);
  assert.equal(await linked.getAttribute("rel"), "noopener noreferrer");
  await linked.hover();
  await page.locator(".tip", { hasText: TRACE }).waitFor();
  await page.locator(".tip", { hasText: "Traces <b>" }).waitFor();
  await shot(page, "exemplars pointed at");
  // By keyboard: one stop, then arrows; Escape takes the words away.
  await page.mouse.move(5, 5);
  await page.locator('.diamond[tabindex="0"]').focus();
  await page.keyboard.press("End");
  const last = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  assert.match(last ?? "", /^Exemplar /);
  await page.locator(".tip:not([hidden])").waitFor();
  await page.keyboard.press("ArrowLeft");
  assert.notEqual(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), last);
  assert.equal(await page.locator('.diamond[tabindex="0"]').count(), 1);
  await page.keyboard.press("Escape");
  await page.locator(".tip").waitFor({ state: "hidden" });
});

browse("exemplars: the query page has a switch for them; hostile labels are words", "stack", {}, async (page, { url, open, requests }) => {
  await push(url);
  await open("query?g0.expr=slow_seconds&g0.tab=graph&g0.range_input=2m");
  await page.locator(".chart canvas").first().waitFor();
  assert.equal(await page.locator(".diamond").count(), 0);
  assert.ok(!requests.some((one) => one.includes("query_exemplars")), "nobody asked for them");
  await page.getByLabel("exemplars").check();
  await page.locator(".diamond").first().waitFor();
  assert.equal(new URL(page.url()).searchParams.get("g0.show_exemplars"), "1");
  const hostile = page.locator('a.diamond[href*="%3Cscript%3E"]').first();
  await hostile.focus();
  assert.match((await hostile.getAttribute("href")) ?? "", /^https:\/\/traces\.example\/t\/%3Cimg/);
  await page.locator(".tip", { hasText: "<img src=x" }).waitFor();
  await accessible(page, "main");
  await shot(page, "exemplars of a query");
});
