/** show, tests: silences, notifications, receivers, inbox: what a person does with them. */
import assert from "node:assert/strict";

import { accessible, browse, shot } from "./harness";

interface Silence {
  id: string;
  comment: string;
  endsAt: string;
  status: { state: string };
  matchers: { name: string; value: string; isRegex: boolean; isEqual: boolean }[];
}

browse("a silence is made with a preview, changed, and expired", "stack", {}, async (page, { open, api }) => {
  await open("silences");
  await page.getByRole("button", { name: "New silence" }).click();
  const make = page.getByRole("button", { name: "Make the silence" });
  assert.equal(await make.isDisabled(), true, "a silence of everything cannot be made");
  await page.getByLabel("label", { exact: true }).fill("alertname");
  await page.getByLabel("value", { exact: true }).fill("Always.*");
  await page.getByText("It hides no alert of now").waitFor();
  await page.getByLabel("how").selectOption("=~");
  await page.getByText("It hides 1 alert of now").waitFor();
  await page.getByLabel("Until").fill("90m");
  await page.getByLabel("Your name").fill("tester");
  await page.getByLabel("Why").fill("being looked at <b>closely</b>");
  await accessible(page);
  await shot(page, "silence form");
  await make.click();
  const row = page.getByRole("row").filter({ hasText: "being looked at <b>closely</b>" });
  await row.waitFor();
  const made = (await api<Silence[]>("api/v2/silences")).find((one) => one.comment.startsWith("being looked"));
  assert.ok(made);
  assert.deepEqual(made.matchers, [{ name: "alertname", value: "Always.*", isRegex: true, isEqual: true }]);
  const minutes = (Date.parse(made.endsAt) - Date.now()) / 60_000;
  assert.ok(minutes > 85 && minutes <= 90, `${minutes} minutes`);
  await row.getByRole("cell", { name: "1", exact: true }).waitFor();

  await row.getByRole("button", { name: "Change" }).click();
  assert.match(page.url(), new RegExp(`edit=${made.id}`), "what is changed is in the address");
  await page.getByLabel("Why").fill("changed");
  await page.getByRole("button", { name: "Save the silence" }).click();
  const changed = page.getByRole("row").filter({ hasText: "changed" });
  await changed.waitFor();

  await changed.getByRole("button", { name: "Expire" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await changed.getByRole("button", { name: "Expire" }).click();
  await accessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Expire" }).click();
  await changed.waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Over" }).click();
  await changed.first().waitFor();
  assert.ok((await api<Silence[]>("api/v2/silences")).filter((one) => one.comment === "changed").every((one) => one.status.state === "expired"));
});

browse("a silence that cannot be is explained before it is sent", "stack", {}, async (page, { open }) => {
  await open('silences?edit=new&filter=alertname%3D"x"');
  await page.getByLabel("Your name").fill("t");
  await page.getByLabel("Why").fill("t");
  for (const [label, text, said] of [
    ["Until", "soon", "is no length such as 2h"],
    ["Until", "2020-01-01 10:00", "over before it starts"],
    ["From", "6 pm", "is no time such as"],
  ] as const) {
    await page.getByLabel("From").fill("now");
    await page.getByLabel(label).fill(text);
    await page.getByText(said).waitFor();
    assert.equal(await page.getByRole("button", { name: "Make the silence" }).isDisabled(), true);
  }
  await page.getByLabel("how").selectOption("=~");
  await page.getByLabel("value", { exact: true }).fill("(");
  await page.getByText("is no regular expression").waitFor();
});

browse("a message that was given up shows each answer, and is sent again on request", "stack", {}, async (page, { open, api }) => {
  await open("notifications?tab=failed");
  const row = page.getByRole("row").filter({ hasText: "TargetDown" }).first();
  await row.waitFor();
  await row.getByRole("button", { name: "more" }).click();
  const attempts = page.getByRole("table", { name: "Attempts" });
  await attempts.getByText("<script>alert('receiver')</script>").first().waitFor();
  const text = await page.locator("main").innerText();
  assert.ok(!text.includes("very-secret-word"), "a secret of a receiver's address is never shown");
  await shot(page, "notification failed");
  type Answer = { data: { attempts: number; receiver: string }[] };
  const before = (await api<Answer>("api/v1/notifications?receiver=refuses")).data.reduce((sum, one) => sum + one.attempts, 0);
  await page.getByRole("button", { name: "Send it after all" }).first().click();
  // "on its way" is seen only as long as the message waits: what counts is that it was tried.
  const end = Date.now() + 15_000;
  let after = before;
  while (after <= before && Date.now() < end) after = (await api<Answer>("api/v1/notifications?receiver=refuses")).data.reduce((sum, one) => sum + one.attempts, 0);
  assert.ok(after > before, `${after} attempts after ${before}`);
});

browse("receivers: a test of each says what the service answered", "stack", {}, async (page, { open, api }) => {
  await open("receivers");
  const good = page.getByRole("region", { name: "inbox" });
  const before = (await api<unknown[]>("api/bellbuoy/inbox")).length;
  await good.getByRole("button", { name: "Send a test" }).click();
  await good.getByRole("list", { name: "Answers to the test" }).getByText("delivered").first().waitFor();
  assert.ok((await api<unknown[]>("api/bellbuoy/inbox")).length > before, "it arrived");
  const bad = page.getByRole("region", { name: "refuses" });
  await bad.getByRole("button", { name: "Send a test" }).click();
  await bad.getByRole("list", { name: "Answers to the test" }).getByText("no such channel").first().waitFor();
  await page.getByRole("region", { name: "nobody" }).getByText("told to nobody").waitFor();
  assert.ok(!(await page.content()).includes("very-secret-word"), "the address's secret is not in the page");
  await accessible(page);
  await shot(page, "receivers tested");
});

browse("the inbox draws messages as Discord does, and nothing in them runs", "stack", {}, async (page, { open }) => {
  await open("inbox");
  const card = page.locator(".embed").filter({ hasText: "AlwaysFiring" }).first();
  await card.waitFor();
  const bar = await card.locator(".embed-bar").evaluate((element) => getComputedStyle(element).backgroundColor);
  assert.notEqual(bar, "rgba(0, 0, 0, 0)", "the bar has the embed's colour");
  assert.equal(await page.locator("main img[src=x], main script").count(), 0);
  assert.ok((await page.locator("main a[href^='javascript']").count()) === 0, "no link runs anything");
  await page.getByLabel("Filter by words").fill("AlwaysFiring");
  await page.waitForURL(/q=AlwaysFiring/);
  assert.ok((await page.locator(".inbox > li").count()) >= 1);
  await page.getByLabel("Filter by words").fill("no message has this");
  await page.getByText("No message has these words").waitFor();
});

browse("the demo's messages are in its inbox", "demo", {}, async (page, { open }) => {
  // By words: a story that ended a while ago has newer messages above it.
  for (const text of ["Retrain", "Training Completed"]) {
    await open(`inbox?q=${encodeURIComponent(text)}`);
    await page.locator(".embed h3").filter({ hasText: new RegExp(text, "i") }).first().waitFor();
  }
});
