/** show, tests: the list of alerts, a silence in two clicks, the page of an alert with Why?, alerts of somebody who means harm. */
import assert from "node:assert/strict";

import { accessible, browse, fits, shot } from "./harness";
import { NAMES, SCRIPT } from "./hostile";

interface Silence {
  id: string;
  status: { state: string };
  matchers: { name: string; value: string }[];
  createdBy: string;
  comment: string;
}

const line = (name: string) => `.al-row:has(.al-name bdi:text-is("${name}"))`;

browse("alerts: each state has its line", "stack", {}, async (page, { open }) => {
  await open("alerts");
  await page.locator(`${line("AlwaysFiring")}.firing, ${line("AlwaysFiring")}.silenced`).first().waitFor();
  await page.locator(`${line("FailsToEvaluate")}.failing`).first().waitFor();
  await page.locator(`${line("NoSamples")}.nodata`).waitFor();
  await page.locator(`${line("NeverFires")}.inactive`).waitFor();
  assert.match(await page.locator(`${line("AlwaysFiring")} .al-value`).first().innerText(), /7\s*> 5/);
  assert.match(await page.locator(`${line("Waiting")} .al-for`).innerText(), /\d+:\d\d of 6:00:00/);
  await page.locator(`${line("AlwaysFiring")} svg.spark path.beyond`).first().waitFor({ state: "attached" });
  await accessible(page);
  await shot(page, "stack alerts");
});

browse("alerts: what was chosen is in the address", "stack", {}, async (page, { open }) => {
  await open("alerts");
  await page.getByRole("button", { name: /pending/ }).click();
  await page.waitForFunction(() => new URLSearchParams(location.search).getAll("state").join() === "pending");
  assert.equal(await page.locator(line("AlwaysFiring")).count(), 0);
  await page.getByRole("searchbox").fill('severity="info" waits nothing');
  await page.getByText("None of these").waitFor();
  await page.getByRole("searchbox").fill('severity=~"in.*"');
  await page.locator(line("Waiting")).waitFor();
  const address = page.url();
  await page.goto(address);
  await page.locator(line("Waiting")).waitFor();
  await page.getByRole("searchbox").fill('severity=~"("');
  await page.getByText("is not a regular expression").waitFor();
  await open("alerts?by=severity");
  await page.locator(".al-section h2", { hasText: "critical" }).waitFor();
});

browse("alerts: a silence in two clicks, who made it, and undo", "stack", {}, async (page, { open, api }) => {
  await open("alerts?q=AlwaysFiring");
  await page.locator(`${line("AlwaysFiring")} button:text-is("Silence")`).click();
  await accessible(page, "dialog");
  await shot(page, "stack alerts silence", false);
  await page.getByRole("button", { name: "Silence for 2h" }).click();
  await page.locator(`${line("AlwaysFiring")}.silenced .al-told`, { hasText: "silenced by" }).waitFor();
  const mine = async () => (await api<Silence[]>("api/v2/silences")).filter((one) => one.status.state === "active" && one.matchers.some(({ value }) => value === "AlwaysFiring"));
  const made = await mine();
  assert.equal(made.length, 1);
  assert.deepEqual(made[0]?.matchers.map(({ name }) => name).sort(), ["alertname", "severity", "team"]);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.locator(`${line("AlwaysFiring")}.firing`).waitFor();
  assert.equal((await mine()).length, 0);
});

browse("alerts: a silence that would hush everything is not offered", "stack", {}, async (page, { open }) => {
  await open("alerts/AlwaysFiring");
  await page.getByRole("button", { name: "Silence", exact: true }).click();
  for (let left = await page.locator(".silence-matcher button.plain").count(); left > 0; left -= 1) await page.locator(".silence-matcher button.plain").first().click();
  await page.getByText("At least one matcher must not match everything").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Silence for/ }).isDisabled(), true);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
});

browse("alert: what it means, its line, its last evaluations", "stack", {}, async (page, { open }) => {
  await open("alerts/AlwaysFiring");
  await page.getByText("This alert is here to be looked at").waitFor();
  assert.equal(await page.locator('a[href="https://wiki.example/runbooks/always"]').getAttribute("rel"), "noopener noreferrer");
  await page.locator(".chart canvas").waitFor();
  await page.locator(".evaluation.firing").first().waitFor();
  await accessible(page);
  await shot(page, "stack alert");
  await page.getByRole("link", { name: /History/ }).click();
  await page.locator("td", { hasText: "firing" }).first().waitFor();
  await accessible(page);
});

browse("alert: Why? leads from the selector to the delivery", "stack", { dark: true }, async (page, { open }) => {
  await open("alerts/AlwaysFiring?tab=why");
  await page.locator(".verdict", { hasText: "AlwaysFiring" }).waitFor();
  const kinds = async () => (await page.locator(".why-kind").allInnerTexts()).map((text) => text.toLowerCase());
  await page.locator(".why-step").first().waitFor();
  const all = await kinds();
  for (const kind of ["comparison", "route", "receiver", "delivery"]) assert.ok(all.includes(kind), `${kind} is not in ${all}`);
  assert.ok(all.indexOf("comparison") < all.indexOf("route") && all.indexOf("route") < all.indexOf("delivery"), all.join());
  await accessible(page);
  await fits(page);
  await shot(page, "stack alert why");
});

browse("alert: Why? names the part that finds nothing, and the moment can be chosen", "stack", {}, async (page, { open }) => {
  await open("alerts/NoSamples?tab=why");
  await page.locator(".why-step.stopped.decided").waitFor();
  assert.match(await page.locator(".why-expr mark.stopped").innerText(), /nobody_tells_of_this/);
  assert.equal(await page.locator(".verdict-word").innerText().then((text) => text.toLowerCase()), "no data");
  await page.locator("button.evaluation").last().click();
  await page.waitForFunction(() => new URLSearchParams(location.search).has("at"));
  await page.getByText("As it was at").waitFor();
  await page.getByRole("button", { name: "Now", exact: true }).click();
  await page.getByText("As it is now").waitFor();
});

browse("alert: texts of somebody who means harm stay texts", "stack", {}, async (page, { open }) => {
  await open("alerts");
  await page.locator(".al-name .labels", { hasText: "onerror" }).first().waitFor();
  await page.locator(".al-name > a", { hasText: "onerror" }).first().click();
  await page.locator("main h1", { hasText: "onerror" }).waitFor();
  assert.equal(await page.locator("main img, main script").count(), 0);
  assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
  await open(`alerts/${encodeURIComponent(SCRIPT)}?label=${encodeURIComponent(`x=${SCRIPT}`)}&tab=history`);
  await page.locator("main h1", { hasText: "onerror" }).waitFor();
  for (const tab of ["", "why", "history"]) {
    await open(`alerts/Hostile?tab=${tab}`);
    await fits(page);
  }
  await accessible(page);
});

browse("alert: every name has an address: `..` is the folder above for browsers", "stack", {}, async (page, { open, requests }) => {
  for (const name of NAMES) {
    await open("alerts");
    await page.locator(".al-name > a", { has: page.getByText(name, { exact: true }) }).first().click();
    await page.locator("main h1", { hasText: name }).waitFor();
    assert.equal(await page.locator("main h1 bdi").innerText(), name);
    await page.reload();
    await page.locator("main h1", { hasText: name }).waitFor();
    await page.getByText(`its name is ${name}`).waitFor();
  }
  assert.ok(requests.some((url) => url.endsWith("/api/bellbuoy/alerts/~..")), "asked for by its name");
});

browse("alert: on a phone", "stack", { phone: true }, async (page, { open }) => {
  for (const path of ["alerts", "alerts/AlwaysFiring", "alerts/AlwaysFiring?tab=why", "alerts/TargetDown?tab=history"]) {
    await open(path);
    await page.locator(".al-row:not(.al-head), .evaluation, .why-step, td").first().waitFor();
    await fits(page);
    await accessible(page);
    await shot(page, `phone ${path}`);
  }
});

browse("alert: the story of the demo can be read", "demo", {}, async (page, { open, api }) => {
  const { data } = await api<{ data: { episodes: { state: string; notifications: unknown[] }[] } }>("api/bellbuoy/alerts/ModelRMSEHigh");
  assert.ok(data.episodes.length > 0, "the demo's alert fired");
  await open("alerts/ModelRMSEHigh?tab=history");
  await page.locator("td", { hasText: /firing|resolved/ }).first().waitFor();
  await page.locator("td", { hasText: "delivered" }).first().waitFor();
  await shot(page, "demo alert history");
  await open("alerts/ModelRMSEHigh");
  await page.getByText("RMSE on predictions with known true values is above 60 bikes per hour").waitFor();
  await shot(page, "demo alert");
});
