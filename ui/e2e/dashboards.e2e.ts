/** show, tests: dashboards: every type of panel draws, zoom and variables go into the address, the crosshair is shared, a file changes below the page, a query is saved back, tabs, names of others do nothing. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Page } from "playwright-core";

import { accessible, browse, fits, shot } from "./harness";

const FILE = join(import.meta.dirname, "stack/dashboards/panels.json");
const TABS = join(import.meta.dirname, "stack/dashboards/tabs.json");
/** The panel "Wrong" asks what is no query; a variable's change drops requests that are under way. */
const WRONG = [/status of 400/];

const panel = (page: Page, title: string) => page.locator(`section.panel[aria-label="${title}"]`);

/** A panel that is drawn anew while it is scrolled to is scrolled to again. */
async function reached(page: Page, title: string): Promise<void> {
  for (let left = 5; ; left -= 1) {
    try {
      return await panel(page, title).scrollIntoViewIfNeeded();
    } catch (error) {
      if (left === 0 || !String(error).includes("not attached")) throw error;
    }
  }
}

async function drawn(page: Page, title: string, what: string): Promise<void> {
  await reached(page, title);
  await panel(page, title).locator(what).first().waitFor();
}

/** Whether a canvas has anything but one colour on it. */
async function painted(page: Page, title: string): Promise<void> {
  await drawn(page, title, "canvas");
  await page.waitForFunction((name) => {
    const canvas = document.querySelector<HTMLCanvasElement>(`section.panel[aria-label="${name}"] canvas`);
    const pixels = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
    if (!pixels) return false;
    const colors = new Set<number>();
    for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3]! > 200) colors.add((pixels[at]! << 16) | (pixels[at + 1]! << 8) | pixels[at + 2]!);
    return colors.size > 4;
  }, title);
}

browse("every type of panel draws its data", "stack", { expects: WRONG }, async (page, { open }) => {
  await open("dashboards/panels");
  for (const title of ["Lines", "Hostile legends", "Stacked bars", "Percent, negative, right axis", "Log scale, points", "An old graph"]) await painted(page, title);
  for (const title of ["Buckets", "Counted", "How often", "States", "Boxes", "By name"]) await painted(page, title);
  await drawn(page, "Figures", ".cell-value");
  assert.match(await panel(page, "Figures").locator(".cell-value").first().innerText(), /^[\d.]+ req\/s$/);
  await drawn(page, "Gauges", "svg path");
  await drawn(page, "Lamps", ".bar-lamps i");
  await drawn(page, "Parts", "path.slice");
  await drawn(page, "Targets", "td:has-text('relabelled')");
  await drawn(page, "Alerts", "li.firing");
  await drawn(page, "Others", "a:has-text('Every panel')");
  await drawn(page, "Words", "h2:has-text('Words of')");
  await drawn(page, "Logs", "text=logs are not kept here");
  await drawn(page, "Nothing", "text=no series of no_such_metric");
  await drawn(page, "Wrong", "[role=alert]");
  assert.equal(await page.locator(".dashboard-line .tag").innerText(), "24 of 25 panels");
  await shot(page, "dashboard panels");
  await accessible(page);
});

browse("in the dark, and on a phone in one column", "stack", { dark: true, phone: true, expects: WRONG }, async (page, { open }) => {
  await open("dashboards/panels");
  await painted(page, "Lines");
  await fits(page);
  const [first, second] = await page.locator(".slot").evaluateAll((slots) => slots.slice(0, 2).map((slot) => slot.getBoundingClientRect()));
  assert.ok(second!.top >= first!.bottom && Math.abs(second!.left - first!.left) < 2, "panels stand below each other");
  await shot(page, "dashboard panels phone dark", false);
});

browse("words of a file are read, never run", "stack", { expects: WRONG }, async (page, { open }) => {
  await open("dashboards/panels");
  await drawn(page, "Words", "h2");
  const words = panel(page, "Words").locator(".text-panel");
  assert.equal(await words.locator("script, iframe, style, img, [onerror]").count(), 0);
  assert.deepEqual(await words.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))), ["https://example.com", null, null]);
  assert.deepEqual(await words.locator("b").last().evaluate((bold) => [(bold as HTMLElement).style.color, (bold as HTMLElement).style.position, (bold as HTMLElement).style.background]), ["darkred", "", ""]);
  await drawn(page, "Hostile legends", ".legend-name");
  const names = await panel(page, "Hostile legends").locator(".legend-name").allInnerTexts();
  assert.ok(names.some((name) => name.includes("<img src=x")) && names.some((name) => name.includes("⟨202E⟩")), names.join("\n"));
  const box = (await panel(page, "Hostile legends").locator(".u-over").boundingBox())!;
  await page.mouse.move(box.x + box.width - 4, box.y + box.height / 2);
  await page.locator(".tip:not([hidden]) .tip-row").first().waitFor();
  const harm = await panel(page, "Targets").locator("a").evaluateAll((links) => links.filter((link) => /^javascript:/i.test(link.getAttribute("href") ?? "")).length);
  assert.equal(harm, 0);
});

browse("a drag zooms: the range is in the address, back leads back, all panels follow", "stack", { expects: WRONG }, async (page, { open }) => {
  await open("dashboards/panels?from=now-5m&to=now");
  await painted(page, "Lines");
  const box = (await panel(page, "Lines").locator(".u-over").boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.25, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 42, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d{13}/);
  const query = new URL(page.url()).searchParams;
  const span = Number(query.get("to")) - Number(query.get("from"));
  assert.ok(span > 60_000 && span < 90_000, `a quarter of 5 minutes, not ${span} ms`);
  await page.getByRole("button", { name: "Zoom out" }).click();
  await page.waitForURL((url) => Number(url.searchParams.get("to")) - Number(url.searchParams.get("from")) > 1.9 * span);
  await page.goBack();
  await page.goBack();
  await page.waitForURL(/from=now-5m/);
  await page.getByRole("button", { name: /^Time range/ }).click();
  await page.getByRole("button", { name: "Last 15 minutes" }).click();
  await page.waitForURL(/from=now-15m/);
});

browse("the pointer of one chart is a line in the others", "stack", { expects: WRONG }, async (page, { open }) => {
  await open("dashboards/panels");
  await painted(page, "Lines");
  await painted(page, "Hostile legends");
  const box = (await panel(page, "Lines").locator(".u-over").boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 30);
  await page.mouse.move(box.x + box.width / 2 + 2, box.y + 30);
  await page.locator(".tip:not([hidden])").waitFor();
  assert.equal(await page.locator(".tip .tip-row").count(), 3);
  await panel(page, "Hostile legends").locator(".hair:not([hidden])").waitFor();
});

browse("a legend's click shows one line alone, and all again", "stack", { expects: WRONG }, async (page, { open }) => {
  await open("dashboards/panels");
  await painted(page, "Lines");
  const name = panel(page, "Lines").locator(".legend-name");
  await name.nth(1).click();
  assert.deepEqual(await name.evaluateAll((all) => all.map((one) => one.getAttribute("aria-pressed"))), ["false", "true", "false"]);
  await name.nth(1).click();
  assert.deepEqual(await name.evaluateAll((all) => all.map((one) => one.getAttribute("aria-pressed"))), ["true", "true", "true"]);
});

browse("a variable's choice goes into the address and into the queries; repetitions follow", "stack", { expects: WRONG }, async (page, { open }) => {
  await open("dashboards/panels");
  await page.getByRole("button", { name: /^Job: / }).click();
  await page.getByRole("button", { name: "None" }).click();
  await page.getByRole("checkbox", { name: "fine" }).check();
  await page.getByRole("checkbox", { name: "refused" }).check();
  await page.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(/var-job=fine&var-job=refused/);
  await drawn(page, "Job refused", ".cell-value");
  assert.equal(await page.locator('section.panel[aria-label^="Job "]').count(), 2);
  await reached(page, "Boxes");
  await panel(page, "Boxes").hover();
  await panel(page, "Boxes").getByRole("button", { name: "Menu of Boxes" }).click();
  await page.getByRole("button", { name: "What was really sent" }).click();
  assert.equal(await page.locator("dialog .inspect-text").innerText(), 'up{job=~"(fine|refused)"}');
  await page.getByRole("button", { name: "Data", exact: true }).click();
  await page.locator("dialog td").first().waitFor();
  await shot(page, "dashboard inspect", false);
  await page.getByRole("button", { name: "Close", exact: true }).click();
});

browse("a row opens; a panel alone fills the page", "stack", { expects: WRONG }, async (page, { open }) => {
  await open("dashboards/panels");
  assert.equal(await panel(page, "Inside").count(), 0);
  await page.getByRole("button", { name: /A closed row/ }).click();
  await drawn(page, "Inside", ".cell-value");
  assert.equal(await panel(page, "Inside").locator(".cell-value").innerText(), "42");
  await open("dashboards/panels?viewPanel=2");
  await painted(page, "Hostile legends");
  assert.equal(await page.locator("section.panel").count(), 1);
});

browse("a query is tried in the page, then saved into the file: every other byte stays; a page that is open elsewhere follows", "stack", { expects: WRONG }, async (page, { open }) => {
  const before = readFileSync(FILE, "utf8");
  const other = await page.context().newPage();
  try {
    await open("dashboards/panels?editPanel=6");
    await drawn(page, "Figures", ".cell-value");
    await other.goto(page.url().replace("editPanel=6", "viewPanel=6"));
    await other.locator(".cell-value").nth(2).waitFor();
    const expression = page.getByRole("textbox", { name: "Expression of query A" });
    await expression.fill('vector(7) # "quoted"');
    await expression.press("Control+Enter");
    // The three values of before may have a 7 too.
    await page.waitForFunction(() => document.querySelectorAll("section.panel .cell-value").length === 1);
    assert.match(await page.locator("section.panel .cell-value").innerText(), /^7/);
    assert.equal(readFileSync(FILE, "utf8"), before, "trying changes no file");
    await page.getByRole("button", { name: "Save into the file" }).click();
    await page.locator("text=Saved into dashboards/panels.json").waitFor();
    const after = readFileSync(FILE, "utf8");
    const expr = JSON.parse(before).panels[5].targets[0].expr as string;
    const at = before.split(JSON.stringify(expr)).length;
    assert.ok(at > 1);
    const changed = after.split("\n").flatMap((line, row) => (line === before.split("\n")[row] ? [] : [line.trim()]));
    assert.deepEqual(changed, [`"expr": ${JSON.stringify('vector(7) # "quoted"')},`]);
    // The other page reads the file again: one value, where there were three.
    await other.waitForFunction(() => document.querySelectorAll(".cell-value").length === 1);
    assert.match(await other.locator(".cell-value").innerText(), /^7/);
  } finally {
    writeFileSync(FILE, before);
    await other.close();
  }
});

browse("panels that are shown with data, or without, are shown as soon as that is known", "stack", {}, async (page, { open }) => {
  await open("dashboards/conditions");
  await page.locator('[data-panel="1"][data-state="done"]').waitFor();
  await page.locator('[data-panel="2"]').waitFor({ state: "detached" });
  await page.locator('[data-panel="3"]').waitFor();
  assert.equal(await page.getByText("remark").count(), 0);
  await accessible(page);
  await shot(page, "dashboard conditions");
});

browse("tabs of the second schema: one at a time, in the address, by keyboard", "stack", {}, async (page, { open, requests }) => {
  await open("dashboards/tabs");
  await drawn(page, "Up by job", ".cell-value");
  const tab = (name: string) => page.getByRole("tab", { name, exact: true });
  assert.equal(await tab("Health").getAttribute("aria-selected"), "true");
  assert.equal(await panel(page, "Requests").count(), 0);
  assert.ok(!requests.some((url) => url.includes("requests_total")), "what is not in sight is not asked");
  await accessible(page);
  await shot(page, "dashboard tabs");
  await tab("Health").focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForURL(/dtab=traffic-of-fine/);
  await painted(page, "Requests");
  assert.equal(await panel(page, "Up by job").count(), 0);
  await page.getByRole("button", { name: "A row inside" }).waitFor();
  await page.keyboard.press("End");
  await page.getByText("This tab has no panels").waitFor();
  await page.keyboard.press("ArrowRight");
  await drawn(page, "Up by job", ".cell-value");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Health");
  await open("dashboards/tabs?dtab=traffic-of-fine");
  await painted(page, "Requests");
  await accessible(page);
});

browse("links to dashboards are a list that opens, where the file says so", "stack", {}, async (page, { open }) => {
  await open("dashboards/tabs");
  const list = page.getByRole("button", { name: "Boards about fine" });
  assert.equal(await page.getByRole("link", { name: "Every panel" }).count(), 0);
  await list.press("Enter");
  await accessible(page);
  await page.getByRole("link", { name: "Every panel" }).click();
  await page.waitForURL(/dashboards\/panels\?from=now-5m&to=now/);
});

browse("any time zone can be chosen; times are said in it", "stack", {}, async (page, { open }) => {
  const from = Date.UTC(2026, 10, 21, 20, 0, 0);
  await open(`dashboards/panels?from=${from}&to=${from + 3_600_000}`);
  await page.getByRole("button", { name: /^Time range: 2026-11-21 20:00:00 to / }).click();
  await page.getByLabel("Time zone").selectOption("Australia/Darwin");
  await page.waitForURL(/timezone=Australia(%2F|\/)Darwin/);
  await page.getByRole("button", { name: /^Time range: 2026-11-22 05:30:00 to / }).click();
  assert.equal(await page.getByLabel("From", { exact: true }).inputValue(), "2026-11-22 05:30:00");
});

browse("a tab that repeats has its rows in each copy", "stack", {}, async (page, { open }) => {
  await open("dashboards/tabs");
  for (const code of ["200", "500"]) {
    await page.getByRole("tab", { name: `Code ${code}`, exact: true }).click();
    await page.getByRole("button", { name: `Row of ${code}` }).waitFor();
    await drawn(page, `Answers ${code}`, ".cell-value");
    assert.equal(await page.locator("section.panel").count(), 1);
    assert.match(await page.locator(".cell-value").innerText(), new RegExp(code));
  }
});

// The observers that all panels share were made inside of the first panel's code and held it, with all its data.
browse("a panel that is gone is let go of, also the first one", "stack", {}, async (page, { open }) => {
  await open("dashboards/tabs?dtab=traffic-of-fine");
  await painted(page, "Requests");
  await page.evaluate(() => void Object.assign(window, { held: new WeakRef(document.querySelector("section.panel")!) }));
  await page.getByRole("tab", { name: "Empty", exact: true }).click();
  await page.getByText("This tab has no panels").waitFor();
  const session = await page.context().newCDPSession(page);
  const held = () => page.evaluate(() => (window as unknown as { held: WeakRef<Element> }).held.deref() !== undefined);
  for (let round = 0; round < 50 && (await held()); round++) await session.send("HeapProfiler.collectGarbage");
  assert.equal(await held(), false);
});

browse("a query of the second schema is saved back: exactly one line of the file changes; an error has its place", "stack", { expects: [/status of 400/] }, async (page, { open }) => {
  const before = readFileSync(TABS, "utf8");
  try {
    await open("dashboards/tabs?editPanel=1");
    const expression = page.getByRole("textbox", { name: "Expression of query A" });
    await page.locator(".edit-form .cm-content").first().waitFor();
    await expression.fill('sum by (job) (up{job=~"$job"}) + nonsense(up{job="$job"})');
    await expression.press("Control+Enter");
    await page.locator(".edit-form .cm-lintRange-error").waitFor();
    assert.equal(await page.locator(".edit-form .cm-lintRange-error").innerText(), "nonsense");
    await expression.fill('count(up{job=~"$job"}) + 41');
    await expression.press("Control+Enter");
    await page.locator('section.panel .cell-value:has-text("42")').waitFor();
    assert.equal(await page.locator(".edit-form .cm-lintRange-error").count(), 0);
    await accessible(page);
    await shot(page, "dashboard edit");
    await page.getByRole("button", { name: "Save into the file" }).click();
    await page.locator("text=Saved into dashboards/tabs.json").waitFor();
    const [old, now] = [before.split("\n"), readFileSync(TABS, "utf8").split("\n")];
    assert.equal(now.length, old.length);
    const changed = now.flatMap((line, at) => (line === old[at] ? [] : [[at, line.trim()]]));
    assert.deepEqual(changed, [[old.findIndex((line) => line.includes("sum by (job)")), '"expr": "count(up{job=~\\"$job\\"}) + 41",']]);
  } finally {
    writeFileSync(TABS, before);
  }
});

browse("behind a dollar the dashboard's variables and the macros are completed, each with what it is now", "stack", {}, async (page, { open }) => {
  await open("dashboards/tabs?editPanel=1");
  await page.locator('section.panel[data-state="done"]').waitFor();
  await page.locator(".edit-form .cm-content").first().waitFor();
  const expression = page.getByRole("textbox", { name: "Expression of query A" });
  const option = (text: string) => page.locator(".cm-tooltip-autocomplete li", { hasText: text });
  await expression.fill("");
  await expression.pressSequentially('count(up{job="$j');
  await option("$job= fine").waitFor();
  await accessible(page);
  await shot(page, "dashboard edit completes");
  await expression.press("Enter");
  await page.locator('.edit-form .cm-line:has-text(\'count(up{job="$job"})\')').waitFor();
  await expression.fill("");
  await expression.pressSequentially("rate(requests_total[");
  await option("$__rate_interval= ").first().click();
  await page.locator(".edit-form .cm-line:has-text('rate(requests_total[$__rate_interval])')").waitFor();
});

browse("the list: tags, words, and how many panels are drawn", "stack", {}, async (page, { open }) => {
  await open("dashboards");
  await page.locator('.dashboard-list li:has-text("Every panel") .tag:has-text("24 of 25 panels")').waitFor();
  await page.getByRole("searchbox", { name: "Search dashboards" }).fill("nothing like it");
  await page.locator("text=None of").waitFor();
  await shot(page, "dashboards list");
});

for (const uid of ["bike-overview", "bike-api", "bike-predictions", "bike-training", "ml-model-monitoring", "mlops_alerts", "system-monitoring"]) {
  browse(`${uid}: every panel of the demo has data`, "demo", {}, async (page, { open, api }) => {
    // The end of the story, whenever the tests come to it: after it nobody predicts any more.
    const now = Math.floor(Date.now() / 1000);
    const traffic = await api<{ data: { result: { values: [number, string][] }[] } }>(`api/v1/query_range?query=${encodeURIComponent("sum(rate(prediction_latency_seconds_count[20s])) > 0")}&start=${now - 7200}&end=${now}&step=5`);
    const end = traffic.data.result[0]!.values.at(-1)![0];
    await open(`dashboards/${uid}?from=${(end - 120) * 1000}&to=${end * 1000}`);
    const panels = page.locator("section.panel");
    await panels.first().waitFor();
    for (let at = 0; at < (await panels.count()); at++) {
      const one = panels.nth(at);
      await one.scrollIntoViewIfNeeded();
      await one.locator("canvas, svg, .cell-value, table, li, .bar-row, .panel-empty").first().waitFor();
      assert.equal(await one.locator(".panel-empty:not(:has(.good))").count(), 0, `${await one.getAttribute("aria-label")}: ${await one.innerText()}`);
    }
    await page.evaluate(() => scrollTo(0, 0));
    await shot(page, `demo ${uid}`);
    await accessible(page);
  });
}
