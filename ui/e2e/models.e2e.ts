/** show, tests: the models of the demo, which have drifted, been retrained and replaced; one whose versions are in an MLflow. */
import assert from "node:assert/strict";

import { accessible, browse, fits, shot } from "./harness";

interface Judged {
  data: { judgement: { decision: { outcome: string; because: string }; windows: { drift: { drifted_features: number } }[] } };
}

browse("models: a card says how the model is", "demo", {}, async (page, { open, api }) => {
  const { data } = await api<Judged>("api/v1/models/bike-traffic");
  await open("models");
  const card = page.locator(".model-card", { hasText: "bike-traffic" });
  await card.getByText(data.judgement.decision.outcome, { exact: true }).waitFor();
  await card.locator("svg.spark").waitFor();
  await accessible(page);
  await shot(page, "demo models");
});

browse("model: performance, challenger, drift, quality, decisions", "demo", {}, async (page, { open, api, url }) => {
  const { data } = await api<Judged>("api/v1/models/bike-traffic");
  await open("models/bike-traffic");
  await page.locator(".verdict", { hasText: data.judgement.decision.because }).waitFor();
  await page.locator(".chart canvas").waitFor();
  await page.getByText("Current set").first().waitFor();
  await page.getByText("Baseline set").first().waitFor();
  await page.locator("table.drift tr.drifted").first().waitFor();
  assert.equal(await page.locator("table.drift tr.drifted").count(), data.judgement.windows[0]?.drift.drifted_features);
  await page.locator("table.drift tr.drifted svg.histogram path.ref").first().waitFor();
  await page.locator(".decisions td", { hasText: "above 60" }).first().waitFor();
  await accessible(page);
  await shot(page, "demo model");
  const report = await page.getByRole("link", { name: "Report" }).getAttribute("href");
  assert.equal((await fetch(new URL(report ?? "", url))).status, 200);
});

browse("model: a feature opens, the figure and the axis are in the address", "demo", { dark: true }, async (page, { open }) => {
  await open("models/bike-traffic");
  await page.locator("table.drift button[aria-expanded=false]").first().click();
  await page.locator(".drift-facts").waitFor();
  await page.getByLabel("Figure").selectOption("rmse");
  await page.waitForFunction(() => new URLSearchParams(location.search).get("metric") === "rmse");
  await page.getByRole("button", { name: "by the rows' own time" }).click();
  await page.getByText("Each point is one window").waitFor();
  await accessible(page);
});

browse("model: on a phone", "demo", { phone: true }, async (page, { open }) => {
  for (const path of ["models", "models/bike-traffic"]) {
    await open(path);
    await page.locator(".model-card, table.drift tr").first().waitFor();
    await fits(page);
    await accessible(page);
    await shot(page, `phone ${path}`);
  }
});

browse("model: one that is not there", "demo", { expects: [/404/] }, async (page, { url }) => {
  await page.goto(`${url}/ui/models/nobody`);
  await page.getByText("No such model").waitFor();
});

browse("model: versions of the registry, as a real MLflow told them", "stack", {}, async (page, { open, api }) => {
  await open("models/bike-traffic-rf");
  const table = page.locator("table", { has: page.locator("caption", { hasText: "Aliases" }) });
  const row = async (alias: string) => (await table.locator("tbody tr", { hasText: alias }).locator("td").allInnerTexts()).map((text) => text.trim());
  await table.locator("tbody tr", { hasText: "challenger" }).waitFor();
  const { data } = await api<{ data: { registry: { aliases: Record<string, { version: number; runId: string; metrics: Record<string, number> }> } } }>("api/v1/models/bike-traffic-rf");
  for (const [alias, version] of [["champion", 2], ["challenger", 3]] as const) {
    const told = data.registry.aliases[alias];
    assert.equal(told?.version, version);
    const cells = await row(alias);
    assert.equal(cells[1], String(version));
    assert.ok(cells.some((cell) => cell.startsWith(String(told.metrics.r2))), `${told.metrics.r2} in ${cells}`);
  }
  assert.ok((await row("challenger")).some((cell) => cell.endsWith("+0.06")), "how far it is from the champion");
  assert.match((await table.locator("a").first().getAttribute("href")) ?? "", /#\/models\/bike-traffic-rf\/versions\/2$/);
  await page.getByText("the newest version is 3").waitFor();
  await accessible(page);
  await shot(page, "stack model registry");
});

browse("model: its versions on a phone, in the dark", "stack", { phone: true, dark: true }, async (page, { open }) => {
  await open("models/bike-traffic-rf");
  await page.locator("table", { has: page.locator("caption", { hasText: "Aliases" }) }).waitFor();
  await fits(page);
  await accessible(page);
  await shot(page, "phone stack model registry");
});
