/** show, tests: home, targets, rules, findings, cardinality, configuration, status: they say what is wrong, why, and what to do. */
import assert from "node:assert/strict";

import { accessible, browse, shot } from "./harness";

browse("home of the demo: four tiles, a model with its figures", "demo", {}, async (page, { open }) => {
  await open("");
  assert.equal(await page.locator(".tile").count(), 4);
  const model = page.getByRole("row").filter({ hasText: "bike-traffic" });
  await model.waitFor();
  await model.getByText(/r2/i).first().waitFor();
  assert.doesNotMatch(await page.locator("main").innerText(), /\bNaN\b|undefined|Infinity|\[object/);
  await page.locator("a.tile").filter({ hasText: "Targets" }).click();
  await page.waitForURL("**/ui/targets");
});

browse("home with targets that fail: each with its reason and what to do", "stack", {}, async (page, { open }) => {
  await open("");
  const list = page.locator(".checklist");
  for (const reason of [/refused/i, /404/, /line 3/]) await list.getByText(reason).first().waitFor();
  await accessible(page);
});

browse("home with nothing: lines to copy, no empty chart", "bare", { phone: true }, async (page, { open }) => {
  await open("");
  const list = page.locator(".checklist");
  await list.locator("li").first().waitFor();
  await list.locator("summary").first().tap();
  assert.ok((await list.locator("pre").first().innerText()).includes(":"), "lines to copy");
  assert.equal(await page.locator("main canvas, main svg.spark").count(), 0);
});

browse("targets: state, filter, order, and why one was dropped", "stack", {}, async (page, { open }) => {
  await open("targets");
  await page.getByText(/line 3/).first().waitFor();
  await page.getByRole("button", { name: /^3 down$/ }).click();
  await page.waitForURL(/health=down/);
  assert.equal(await page.locator(".pool").count(), 3);
  await page.getByRole("button", { name: /^3 down$/ }).click();
  await page.getByLabel("Filter by job").fill("relabelled");
  await page.waitForURL(/q=relabelled/);
  assert.equal(await page.locator(".pool").count(), 1);
  await page.locator(".pool").getByRole("button", { name: "more" }).click();
  await page.getByText("keep where env matches prod").waitFor();
  await page.locator(".change.added").filter({ hasText: "yes-a" }).first().waitFor();
  await page.getByRole("link", { name: /Dropped/ }).click();
  await page.getByText("staging.example:9100").first().waitFor();
  await page.getByText("dropped here").waitFor();
  await accessible(page);
  await shot(page, "targets dropped");
});

browse("rules: an error is shown with its rule, rules lead to alerts and queries", "stack", {}, async (page, { open }) => {
  await open("rules");
  await page.getByRole("link", { name: /^Failing/ }).click();
  await page.locator(".error-line").getByText(/duplicate series/).waitFor();
  assert.equal(await page.locator(".rule-group").count(), 1);
  await page.getByRole("link", { name: /^All/ }).click();
  const head = page.getByRole("columnheader", { name: "Took" }).first();
  await head.getByRole("button").click();
  await page.waitForURL(/sort=-took/);
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  assert.ok((await page.locator("svg.strip").count()) >= 5, "the last evaluations are drawn");
  await page.getByRole("link", { name: "NeverFires" }).click();
  await page.waitForURL("**/ui/alerts/NeverFires");
});

browse("configuration: files without their secrets, reload says what it did", "stack", {}, async (page, { open }) => {
  await open("configuration?file=alertmanager.yml");
  await page.getByText("receiver: refuses").first().waitFor();
  const source = await page.locator(".source").innerText();
  assert.ok(source.includes("<secret>") && !source.includes("very-secret-word"), "secrets are hidden");
  await page.getByRole("button", { name: "Read the files again" }).click();
  await page.getByText("read again, all is well").waitFor();
  await page.getByRole("navigation", { name: "Files" }).getByRole("link", { name: /rules\.yml/ }).click();
  await page.getByText("AlwaysFiring").first().waitFor();
});

browse("cardinality: the largest first", "demo", {}, async (page, { open }) => {
  await open("cardinality");
  const table = page.getByRole("table", { name: "Metrics with the most series" });
  await table.getByRole("row").nth(2).waitFor();
  const counts = await table.locator("td.num").allInnerTexts();
  const numbers = counts.map((text) => Number(text.replace(/,/g, "")));
  assert.ok(numbers.length > 3 && numbers.every((value, index) => index === 0 || value <= (numbers[index - 1] ?? 0)), counts.join(" "));
  await page.getByLabel("The first").selectOption("25");
  await page.waitForURL(/limit=25/);
});

browse("status: the program, what was lost, the flags", "demo", {}, async (page, { open }) => {
  await open("status");
  await page.getByText("running for").waitFor();
  for (const tab of ["Queues and drops", "Flags"]) {
    await page.getByRole("link", { name: tab }).click();
    await accessible(page);
  }
  await page.getByText("--web.listen-address").waitFor();
  assert.doesNotMatch(await page.locator("main").innerText(), /\bNaN\b|undefined/);
});

browse("findings: each has a place and a way out", "stack", {}, async (page, { open, api }) => {
  await open("findings");
  const data = await api<{ findings: { code: string }[] }>("api/bellbuoy/findings");
  assert.ok(data.findings.length > 0, "the folder of the tests has something to find");
  for (const { code } of data.findings.slice(0, 3)) await page.getByRole("row").filter({ hasText: code }).first().waitFor();
});
