/**
 * show, tests: a browser page that fails its test by itself when anything goes wrong that a person may not even see.
 *
 * In: the name of a server and an address below `/ui/`. Out: a Playwright page. See README.md for what fails a test.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { chromium, type Browser, type ConsoleMessage, type Page } from "playwright-core";

export type Server = "demo" | "stack" | "bare";

export function urlOf(server: Server): string {
  const url = process.env[`BELLBUOY_${server.toUpperCase()}`];
  if (!url) throw new Error(`BELLBUOY_${server.toUpperCase()} is not set; start tests by run.ts`);
  return url;
}

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];

let browser: Browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
});
after(async () => {
  await browser?.close();
});

export interface Options {
  /** 390 px wide, with touch. */
  phone?: boolean;
  dark?: boolean;
  /** Console messages and answers that the test means to cause. */
  expects?: RegExp[];
}

export interface World {
  url: string;
  /** Opens a page of ours: `open("alerts?state=firing")`. Waits until its heading is there and nothing loads any more. */
  open: (path: string) => Promise<void>;
  /** JSON of the server, for what a page is compared with. */
  api: <T>(path: string) => Promise<T>;
  /** Every request of the page so far. */
  requests: string[];
}

/** How often a test may be tried. More than once is for machines that land changes: what fails at first and then passes is told, it is not hidden. */
const TRIES = Math.max(1, Number(process.env.BELLBUOY_TRIES ?? 1) || 1);

/** One test in a page of its own. */
export function browse(name: string, server: Server, options: Options, steps: (page: Page, world: World) => Promise<void>): void {
  test(name, { timeout: 90_000 * TRIES }, async (context) => {
    for (let left = TRIES - 1; ; left--) {
      try {
        return await visit(name, server, options, steps);
      } catch (error) {
        if (left === 0) throw error;
        context.diagnostic(`tried again: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
  });
}

async function visit(name: string, server: Server, options: Options, steps: (page: Page, world: World) => Promise<void>): Promise<void> {
  const url = urlOf(server);
  const context = await browser.newContext({
    viewport: options.phone ? { width: 390, height: 844 } : { width: 1360, height: 900 },
    hasTouch: options.phone ?? false,
    colorScheme: options.dark ? "dark" : "light",
    timezoneId: "Europe/Paris",
    locale: "en-US",
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults: string[] = [];
  const requests: string[] = [];
  const fault = (text: string) => options.expects?.some((expected) => expected.test(text)) || faults.push(text.slice(0, 600));
  page.on("console", (message) => {
    const wrong = message.type() === "error" || message.type() === "warning";
    if (wrong && !isChromiumsOwn(message)) fault(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => fault(`uncaught: ${error.stack ?? error.message}`));
  page.on("request", (request) => {
    requests.push(request.url());
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && protocol !== "blob:" && origin !== new URL(url).origin) fault(`request to another host: ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
  });
  const world: World = {
    url,
    requests,
    open: async (path) => {
      await page.goto(`${url}/ui/${path}`);
      await settled(page);
    },
    api: async <T>(path: string) => (await (await fetch(`${url}/${path}`)).json()) as T,
  };
  try {
    await steps(page, world);
    assert.equal(await page.evaluate("window.hacked"), undefined, "a text of others ran as a script");
    assert.deepEqual(faults, [], "the page had faults");
  } catch (error) {
    if (faults.length > 0 && error instanceof Error) error.message += `\nfaults of the page:\n${faults.join("\n")}`;
    if (process.env.BELLBUOY_SHOTS) await shot(page, `FAILED ${name}`).catch(() => undefined);
    throw error;
  } finally {
    await context.close();
  }
}

/**
 * When text is put into an editor, Chromium now and then makes an element with a style of its own, which the policy forbids it as well. That comes from no
 * script and no page: it has no source. A style attribute of ours has one, which `policy:` tells; Chromium's own words do not.
 */
function isChromiumsOwn(message: ConsoleMessage): boolean {
  return message.text() === "policy: style-src-attr inline :0" || message.text().startsWith("Applying inline style violates");
}

/** Until the page has a heading and says nowhere that it loads. */
export async function settled(page: Page): Promise<void> {
  await page.locator("main h1").first().waitFor();
  await page.waitForFunction(() => !document.querySelector('main [aria-busy="true"]'));
}

/** No serious or critical fault by axe-core's rules. */
export async function accessible(page: Page, within = "body"): Promise<void> {
  await page.evaluate(AXE);
  const found = await page.evaluate(async (selector) => {
    const axe = (window as unknown as { axe: { run: (node: Element | null, options: unknown) => Promise<{ violations: { id: string; impact: string; help: string; nodes: { html: string; failureSummary?: string }[] }[] }> } }).axe;
    const { violations } = await axe.run(document.querySelector(selector), { resultTypes: ["violations"] });
    return violations
      .filter((one) => one.impact === "serious" || one.impact === "critical")
      .map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} (${(node.failureSummary ?? "").split("\n").slice(1, 3).join(" ").trim()})`).join(" | ")}`);
  }, within);
  assert.deepEqual(found, [], `axe-core at ${page.url()}`);
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Nothing is wider than the screen; wide things scroll inside of themselves. */
export async function fits(page: Page): Promise<void> {
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth] as const);
  assert.ok(content <= screen + 1, `${page.url()} is ${content} px wide on a screen of ${screen} px`);
}

/** A picture for people, when BELLBUOY_SHOTS names a folder. */
export async function shot(page: Page, name: string, fullPage = true): Promise<void> {
  const folder = process.env.BELLBUOY_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name.replace(/[^\w.-]+/g, "-")}.png`), fullPage });
}
