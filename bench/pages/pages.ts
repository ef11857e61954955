/**
 * What a browser pays for dashboards: time to the first chart and to all in sight, bytes over the wire, memory over an hour of refreshes and over pages that are left and entered again.
 *
 * In: a built bellbuoy, a Chromium. Out: figures as text. Beside nothing but itself: run it before and after a change. Times want a quiet machine, memory does not.
 *
 *     (cd ui && npm ci && cd e2e && npm ci); node --import ./ui/node_modules/tsx/dist/loader.mjs bench/pages/pages.ts [--only times,host,wide,rounds,scroll]
 *         [--refreshes 720] [--rounds 200] [--series 1000] [--panels 100] [--step 15] [--snapshots FOLDER]
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { createServer as createSocket, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const here = import.meta.dirname;
const require = createRequire(resolve(here, "../../ui/e2e/package.json"));
const { chromium } = require("playwright-core") as typeof import("playwright-core");
type Page = import("playwright-core").Page;
type Session = import("playwright-core").CDPSession;

const argument = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const word = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const ONLY = word("only", "times,wide,host,rounds,scroll").split(",");
const SNAPSHOTS = word("snapshots", "");
const REFRESHES = argument("refreshes", 720);
const ROUNDS = argument("rounds", 200);
const SERIES = argument("series", 1000);
const PANELS = argument("panels", 100);
const STEP_SECONDS = argument("step", 15);
/** Before the first reading: what a page makes once. */
const WARM_REFRESHES = 5;
const HOST_SECONDS = 300;
const HOST_RANGE = `${HOST_SECONDS}s`;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--js-flags=--expose-gc"];

async function main(): Promise<void> {
  const program = resolve(process.env.BELLBUOY_BIN ?? join(here, "../../target/release/bellbuoy"));
  const scratch = mkdtempSync(join(tmpdir(), "bellbuoy-bench-"));
  const target = createServer((_, response) => response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(series())).listen(0, "127.0.0.1");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  folder(scratch, (target.address() as AddressInfo).port);
  const pages = process.env.BELLBUOY_PAGES ? ["--web.pages-dir", resolve(process.env.BELLBUOY_PAGES)] : [];
  const server = spawn(program, ["up", scratch, "--listen", `127.0.0.1:${port}`, "--data", join(scratch, "data"), ...pages], { stdio: "ignore" });
  try {
    // Panels ask at whole steps, the last of which may be a step ago.
    await until(async () => Number(await ask(url, `count(bench offset ${STEP_SECONDS}s)`)) === SERIES && Number(await ask(url, "count_over_time(node_load1[1m])")) >= 20, 60 + STEP_SECONDS);
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
    console.log(`program ${program}\n`);
    if (ONLY.includes("times")) {
      await first(browser, url, "home, no cache", "", "h1");
      await first(browser, url, "host, 30 panels, no cache", "dashboards/bench-host", ".uplot");
      await first(browser, url, `${PANELS} panels x ${SERIES} series, no cache`, "dashboards/bench-wide", ".uplot");
    }
    if (ONLY.includes("wide")) await hour(browser, url, `${PANELS} panels x ${SERIES} series`, "dashboards/bench-wide", REFRESHES);
    if (ONLY.includes("rounds")) await rounds(browser, url);
    if (ONLY.includes("host")) {
      // A range that still fills would look like memory that grows.
      await until(async () => Number(await ask(url, `count_over_time(node_load1[${HOST_RANGE}])`)) >= HOST_SECONDS - 5, HOST_SECONDS + 60);
      await hour(browser, url, "host, 30 panels", "dashboards/bench-host", REFRESHES);
    }
    if (ONLY.includes("scroll")) await scroll(browser, url);
    await browser.close();
  } finally {
    server.kill("SIGTERM");
    target.close();
    await new Promise((done) => (server.exitCode !== null ? done(null) : server.on("exit", done)));
    rmSync(scratch, { recursive: true, force: true });
  }
}

type Browser = Awaited<ReturnType<typeof chromium.launch>>;

/** A page that was never there before: no cache, no connection. */
async function first(browser: Browser, url: string, name: string, path: string, what: string): Promise<void> {
  const times: number[] = [];
  const whole: number[] = [];
  let bytes = { pages: 0, answers: 0, requests: 0 };
  for (let round = 0; round < 3; round++) {
    const { page, session, close } = await open(browser);
    bytes = { pages: 0, answers: 0, requests: 0 };
    const kinds = new Map<string, boolean>();
    session.on("Network.requestWillBeSent", (event) => kinds.set(event.requestId, event.request.url.includes("/ui/")));
    session.on("Network.loadingFinished", (event) => {
      bytes.requests++;
      bytes[kinds.get(event.requestId) ? "pages" : "answers"] += event.encodedDataLength;
    });
    const began = performance.now();
    await page.goto(`${url}/ui/${path}`, { waitUntil: "commit" });
    await page.locator(what).first().waitFor();
    times.push(performance.now() - began);
    await quiet(page);
    whole.push(performance.now() - began);
    await close();
  }
  console.log(`${name}: first ${what === "h1" ? "heading" : "chart"} after ${median(times)} ms, all in sight after ${median(whole)} ms; ${kb(bytes.pages)} of pages, ${kb(bytes.answers)} of answers, ${bytes.requests} requests`);
}

/** As many refreshes as an hour at 5 s has, one after another. Memory after the garbage was collected. */
async function hour(browser: Browser, url: string, name: string, path: string, refreshes: number): Promise<void> {
  const { page, session, close } = await open(browser);
  await page.goto(`${url}/ui/${path}`);
  await page.locator(".uplot").first().waitFor();
  await quiet(page);
  const seen: Reading[] = [];
  const times: number[] = [];
  console.log(`\n${name}, ${refreshes} refreshes (${((refreshes * 5) / 60).toFixed(0)} minutes at 5 s):`);
  for (let round = -WARM_REFRESHES; round <= refreshes; round++) {
    if (round >= 0 && round % Math.max(1, Math.floor(refreshes / 12)) === 0) seen.push(await reading(session, round, name));
    const began = performance.now();
    await page.locator("button.refresh").click();
    await quiet(page);
    times.push(performance.now() - began);
  }
  tell(seen, "refreshes");
  console.log(`  ${median(times)} ms a refresh`);
  await close();
}

/** Every page of the menu and a dashboard left and entered again, without loading the document anew. */
async function rounds(browser: Browser, url: string): Promise<void> {
  const { page, session, close } = await open(browser);
  await page.goto(`${url}/ui/`);
  await page.locator("main h1").first().waitFor();
  const menu = page.locator("nav#menu");
  const addresses = await menu.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
  const seen: Reading[] = [];
  console.log(`\n${ROUNDS} rounds through ${addresses.length} pages and a dashboard of 30 panels (${ROUNDS * (addresses.length + 1)} pages left and entered):`);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const address of addresses) {
      await menu.locator(`a[href="${address}"]`).click();
      await page.locator("main h1").first().waitFor();
      await quiet(page);
      if (!address.endsWith("/dashboards")) continue;
      await page.locator("main a", { hasText: "Host" }).first().click();
      await page.locator(".uplot").first().waitFor();
      await quiet(page);
    }
    if (round % Math.max(1, Math.floor(ROUNDS / 10)) === 0) seen.push(await reading(session, round, "rounds"));
  }
  tell(seen, "rounds");
  await close();
}

interface Reading {
  at: number;
  /** All of V8's heap. */
  heap: number;
  /** What the pages made: objects, arrays, texts, closures. The rest is machine code that V8 makes of hot functions over time, and the browser's own. */
  objects: number;
  nodes: number;
  listeners: number;
}

async function reading(session: Session, at: number, name: string): Promise<Reading> {
  const counted = await memory(session);
  const text = await snapshot(session);
  if (SNAPSHOTS) {
    mkdirSync(SNAPSHOTS, { recursive: true });
    writeFileSync(join(SNAPSHOTS, `${name.replace(/\W+/g, "-")}-${at}.heapsnapshot`), text);
  }
  const found = { at, ...counted, objects: objectsOf(text) };
  console.log(`  after ${String(at).padStart(4)}: objects ${(found.objects / 1e6).toFixed(3)} MB, heap ${(found.heap / 1e6).toFixed(2)} MB, ${found.nodes} nodes, ${found.listeners} listeners`);
  return found;
}

async function snapshot(session: Session): Promise<string> {
  const chunks: string[] = [];
  const add = (event: { chunk: string }) => chunks.push(event.chunk);
  session.on("HeapProfiler.addHeapSnapshotChunk", add);
  await session.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  session.off("HeapProfiler.addHeapSnapshotChunk", add);
  return chunks.join("");
}

const NOT_OF_PAGES = ["code", "native", "hidden", "synthetic", "object shape"];

function objectsOf(text: string): number {
  const { snapshot, nodes } = JSON.parse(text) as { snapshot: { meta: { node_fields: string[]; node_types: [string[]] } }; nodes: number[] };
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, size] = [fields.indexOf("type"), fields.indexOf("self_size")];
  let sum = 0;
  for (let at = 0; at < nodes.length; at += fields.length) if (!NOT_OF_PAGES.includes(types[0][nodes[at + type]!]!)) sum += nodes[at + size]!;
  return sum;
}

/** Where a straight line through the second half of the readings leads: the first half warms up code and caches. */
function tell(seen: Reading[], what: string): void {
  const late = seen.slice(Math.floor(seen.length / 2));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const trend = (read: (one: Reading) => number) => {
    const [x, y] = [mean(late.map((one) => one.at)), mean(late.map(read))];
    const slope = late.reduce((sum, one) => sum + (one.at - x) * (read(one) - y), 0) / late.reduce((sum, one) => sum + (one.at - x) ** 2, 0);
    const noise = Math.sqrt(mean(late.map((one) => (read(one) - y - slope * (one.at - x)) ** 2)));
    return `${(slope / 10).toFixed(1)} KB more per 100 ${what} (readings ${(noise / 1000).toFixed(1)} KB around the line)`;
  };
  console.log(`  second half: objects ${trend((one) => one.objects)}; heap ${trend((one) => one.heap)}`);
}

/** From top to bottom and back: what is out of sight is let go. */
async function scroll(browser: Browser, url: string): Promise<void> {
  const { page, session, close } = await open(browser);
  await page.goto(`${url}/ui/dashboards/bench-wide`);
  await page.locator(".uplot").first().waitFor();
  await quiet(page);
  const before = await memory(session);
  const began = performance.now();
  let most = 0;
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let y = 0; y < height; y += 700) {
    await page.evaluate((to) => scrollTo(0, to), y);
    await quiet(page);
    most = Math.max(most, (await session.send("Runtime.getHeapUsage")).usedSize);
  }
  const took = performance.now() - began;
  const move = await page.evaluate(async () => {
    const over = document.querySelector<HTMLElement>(".u-over")!;
    const rect = over.getBoundingClientRect();
    const from = performance.now();
    for (let step = 0; step < 30; step++) {
      over.dispatchEvent(new MouseEvent("mousemove", { clientX: rect.left + 20 + step * 5, clientY: rect.top + 40, bubbles: true }));
      await new Promise((done) => requestAnimationFrame(done));
    }
    return (performance.now() - from) / 30;
  });
  const after = await memory(session);
  console.log(`\nscrolling through all ${PANELS} panels: ${(took / 1000).toFixed(1)} s; heap ${(before.heap / 1e6).toFixed(0)} MB before, at most ${(most / 1e6).toFixed(0)} MB before collection, ${(after.heap / 1e6).toFixed(0)} MB after; pointer moves over ${SERIES} series: ${move.toFixed(1)} ms a frame`);
  await close();
}

async function open(browser: Browser): Promise<{ page: Page; session: Session; close: () => Promise<void> }> {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Performance.enable");
  return { page, session, close: () => context.close() };
}

/** Until nothing is asked and everything that came is drawn. */
async function quiet(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.waitForFunction(() => !document.querySelector('main [aria-busy="true"], .panel-busy, .refresh.working'), undefined, { polling: "raf" });
}

async function memory(session: Session): Promise<{ heap: number; nodes: number; listeners: number }> {
  for (let time = 0; time < 3; time++) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
  return { heap: usedSize, nodes, listeners: jsEventListeners };
}

function series(): string {
  let out = "# TYPE bench gauge\n";
  for (let at = 0; at < SERIES; at++) out += `bench{series="number ${at}",group="${at % 10}"} ${at}\n`;
  return out;
}

function folder(scratch: string, port: number): void {
  writeFileSync(join(scratch, "prometheus.yml"), `global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: bench\n    static_configs:\n      - targets: ["127.0.0.1:${port}"]\n`);
  writeFileSync(join(scratch, "bellbuoy.yml"), "host:\n  interval: 1s\n  job: node\n  instance: bench\n");
  writeFileSync(join(scratch, "host.json"), JSON.stringify(hostBoard()));
  // Every step has every series, though they were scraped only just now, and though this process misses a scrape while it reads a snapshot.
  const expr = "last_over_time(bench[10m] @ end()) + on() group_left() (100 * sin(vector(time() / 60)))";
  const panels = Array.from({ length: PANELS }, (_, at) => panelOf(at, "timeseries", `Series, panel ${at}`, [expr], "short", (at % 2) * 12, Math.floor(at / 2) * 8, 12, 8)).map((panel) => ({ ...panel, interval: `${STEP_SECONDS}s` }));
  writeFileSync(join(scratch, "wide.json"), JSON.stringify({ uid: "bench-wide", title: "Wide", schemaVersion: 39, time: { from: "now-1h", to: "now" }, refresh: "", panels }));
}

function panelOf(id: number, type: string, title: string, exprs: string[], unit: string, x: number, y: number, w: number, h: number) {
  return {
    id: id + 1,
    type,
    title,
    gridPos: { x, y, w, h },
    datasource: { type: "prometheus", uid: "prometheus" },
    targets: exprs.map((expr, at) => ({ refId: "ABCD"[at], expr, legendFormat: "__auto" })),
    fieldConfig: { defaults: { unit, custom: { fillOpacity: 10, lineWidth: 1 } }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom", showLegend: true, calcs: [] }, tooltip: { mode: "multi", sort: "desc" } },
  };
}

/** The 30 panels that people look at first on a host. */
function hostBoard() {
  const rate = (metric: string) => `rate(${metric}[$__rate_interval])`;
  const stats: [string, string, string, string][] = [
    ["gauge", "CPU", `1 - avg(${rate('node_cpu_seconds_total{mode="idle"}')})`, "percentunit"],
    ["gauge", "Memory", "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "percentunit"],
    ["gauge", "Fullest disk", "max(1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)", "percentunit"],
    ["stat", "Load", "node_load1", "short"],
    ["stat", "Up for", "node_time_seconds - node_boot_time_seconds", "s"],
    ["stat", "Processes", "node_procs_running", "short"],
  ];
  const lines: [string, string[], string][] = [
    ["CPU by mode", [`sum by (mode) (${rate("node_cpu_seconds_total")})`], "percentunit"],
    ["CPU by core", [`sum by (cpu) (${rate('node_cpu_seconds_total{mode!="idle"}')})`], "percentunit"],
    ["Load", ["node_load1", "node_load5", "node_load15"], "short"],
    ["Memory", ["node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes", "node_memory_Cached_bytes", "node_memory_MemFree_bytes"], "bytes"],
    ["Swap", ["node_memory_SwapTotal_bytes - node_memory_SwapFree_bytes"], "bytes"],
    ["Dirty pages", ["node_memory_Dirty_bytes", "node_memory_Writeback_bytes"], "bytes"],
    ["Slab", ["node_memory_SReclaimable_bytes", "node_memory_SUnreclaim_bytes"], "bytes"],
    ["Active memory", ["node_memory_Active_bytes", "node_memory_Inactive_bytes"], "bytes"],
    ["Committed", ["node_memory_Committed_AS_bytes"], "bytes"],
    ["Page faults", [rate("node_vmstat_pgfault"), rate("node_vmstat_pgmajfault")], "ops"],
    ["Pages in and out", [rate("node_vmstat_pgpgin"), rate("node_vmstat_pgpgout")], "ops"],
    ["Disk read", [rate("node_disk_read_bytes_total")], "Bps"],
    ["Disk written", [rate("node_disk_written_bytes_total")], "Bps"],
    ["Disk operations", [rate("node_disk_reads_completed_total"), rate("node_disk_writes_completed_total")], "iops"],
    ["Disk busy", [rate("node_disk_io_time_seconds_total")], "percentunit"],
    ["Disk queue", ["node_disk_io_now"], "short"],
    ["Space left", ["node_filesystem_avail_bytes"], "bytes"],
    ["Inodes left", ["node_filesystem_files_free"], "short"],
    ["Received", [rate("node_network_receive_bytes_total")], "Bps"],
    ["Sent", [rate("node_network_transmit_bytes_total")], "Bps"],
    ["Packets", [rate("node_network_receive_packets_total"), rate("node_network_transmit_packets_total")], "pps"],
    ["Context switches", [rate("node_context_switches_total")], "ops"],
    ["Interrupts", [rate("node_intr_total")], "ops"],
    ["Forks", [rate("node_forks_total")], "ops"],
  ];
  const panels = [
    ...stats.map(([type, title, expr, unit], at) => panelOf(at, type, title, [expr], unit, at * 4, 0, 4, 4)),
    ...lines.map(([title, exprs, unit], at) => panelOf(at + stats.length, "timeseries", title, exprs, unit, (at % 3) * 8, 4 + Math.floor(at / 3) * 6, 8, 6)),
  ];
  return { uid: "bench-host", title: "Host", schemaVersion: 39, time: { from: `now-${HOST_RANGE}`, to: "now" }, refresh: "", panels };
}

async function ask(url: string, query: string): Promise<string | undefined> {
  const answer = (await (await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)).json()) as { data?: { result?: { value: [number, string] }[] } };
  return answer.data?.result?.[0]?.value[1];
}

async function until(so: () => Promise<boolean>, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await so().catch(() => false))) {
    if (Date.now() > end) throw new Error(`the server has not enough series after ${seconds} s`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

async function freePort(): Promise<number> {
  const server = createSocket().listen(0, "127.0.0.1");
  await new Promise((done) => server.on("listening", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

const median = (values: number[]): number => Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!);
const kb = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KB`;

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(2);
  },
);
