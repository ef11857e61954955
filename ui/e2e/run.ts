/**
 * show, tests: starts the servers, runs every `*.e2e.ts`, ends what it started. Arguments choose files by their names; options are Node's.
 *
 * In: a built bellbuoy, a Chromium. Out: Node's test lines; exit status 0 when all passed.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { hostile } from "./hostile";

const here = import.meta.dirname;
const program = resolve(process.env.BELLBUOY_BIN ?? join(here, "../../target/debug/bellbuoy"));
const pages = process.env.BELLBUOY_PAGES ? ["--web.pages-dir", resolve(process.env.BELLBUOY_PAGES)] : [];
const scratch = mkdtempSync(join(tmpdir(), "bellbuoy-e2e-"));
const started: ChildProcess[] = [];

async function main(): Promise<number> {
  const wanted = process.argv.slice(2).filter((word) => !word.startsWith("-"));
  const options = process.argv.slice(2).filter((word) => word.startsWith("-"));
  const files = readdirSync(here).filter((name) => name.endsWith(".e2e.ts") && (wanted.length === 0 || wanted.some((word) => name.startsWith(word))));
  const env = { ...process.env };
  if (files.length === 0) throw new Error(`no *.e2e.ts begins with ${wanted.join(" or ")}`);
  if (!existsSync(program)) throw new Error(`${program} is not there: cargo build -p bellbuoy, or set BELLBUOY_BIN`);
  const others = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((done) => others.on("listening", done));
  const targets = `127.0.0.1:${(others.address() as AddressInfo).port}`;
  env.E2E_TARGETS = targets;
  await Promise.all([
    (async () => (env.BELLBUOY_DEMO ??= await demo()))(),
    (async () => (env.BELLBUOY_STACK ??= await stack(targets)))(),
    (async () => (env.BELLBUOY_BARE ??= await bare()))(),
  ]);
  console.log(`# demo ${env.BELLBUOY_DEMO}  stack ${env.BELLBUOY_STACK}  bare ${env.BELLBUOY_BARE}`);
  const tests = spawn(process.execPath, ["--import", "tsx", "--test", "--test-concurrency=1", ...options, ...files], { cwd: here, env, stdio: "inherit" });
  const status = await new Promise<number>((done) => tests.on("exit", (code) => done(code ?? 1)));
  others.close();
  return status;
}

/** `--speed 8` tells the story in 15 s; then it runs on. The pages are looked at when it is over. */
async function demo(): Promise<string> {
  const port = await freePort();
  const args = ["demo", "--listen", `127.0.0.1:${port}`, "--service-listen", `127.0.0.1:${await freePort()}`, "--data", join(scratch, "demo"), "--speed", "8", "--for", "30m"];
  const said = await start("demo", port, args);
  await until("the demo's story is over", async () => said().includes("The year is over"));
  return `http://127.0.0.1:${port}`;
}

async function stack(targets: string): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { TARGETS: targets, CLOSED: `127.0.0.1:${await freePort()}`, SELF: `127.0.0.1:${port}` };
  await start("stack", port, ["up", join(here, "stack"), "--listen", `127.0.0.1:${port}`, "--data", join(scratch, "stack")], env);
  await hostile(url);
  // Some scrapes and rounds of rules: until then pages say, rightly, that nothing is known yet.
  await until("the alert TargetDown of the stack fires", async () => {
    const { data } = (await (await fetch(`${url}/api/v1/rules?type=alert`, soon())).json()) as { data: { groups: { rules: { name: string; state: string }[] }[] } };
    return data.groups.some((group) => group.rules.some((rule) => rule.name === "TargetDown" && rule.state === "firing"));
  });
  return url;
}

async function bare(): Promise<string> {
  const port = await freePort();
  await start("bare", port, ["up", join(here, "bare"), "--listen", `127.0.0.1:${port}`, "--data", join(scratch, "bare"), "--external-url", "http://proxy.example/mon/"]);
  return `http://127.0.0.1:${port}/mon`;
}

/** Waits until it is ready. Gives what it has said so far. */
async function start(name: string, port: number, args: string[], env: Record<string, string> = {}): Promise<() => string> {
  const child = spawn(program, [...args, ...pages], { env: { ...process.env, ...env, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  let said = "";
  let ended: string | undefined;
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (said = (said + bytes.toString()).slice(-50_000)));
  child.on("exit", (code) => (ended = `it ended with ${code}:\n${said}`));
  child.on("error", (error) => (ended = error.message));
  await until(`${name} is ready`, async () => {
    if (ended !== undefined) throw new Error(ended);
    return (await fetch(`http://127.0.0.1:${port}/-/ready`, soon()).catch(() => undefined))?.status === 200;
  });
  return () => said;
}

const soon = () => ({ signal: AbortSignal.timeout(5000) });

/** Asks until it is so, for 90 s at most. */
async function until(what: string, so: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 90_000;
  while (!(await so())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** Below the range from which the kernel gives ports to clients: one of those may be gone before the program has started. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer();
    const free = await new Promise((done) => server.on("error", () => done(false)).listen(port, "127.0.0.1", () => done(true)));
    await new Promise((done) => server.close(done));
    if (free) return port;
  }
}

/** What a real MLflow 3.17.2 answered; of a run that was not kept alone, its part of a search. */
function mlflow(address: URL): string | undefined {
  const fixture = (name: string) => readFileSync(join(here, "../../crates/sources/src/mlflow/fixtures", name), "utf8");
  switch (address.pathname.replace("/api/2.0/mlflow", "")) {
    case "/health":
      return fixture("health.txt");
    case "/version":
      return fixture("version.txt");
    case "/registered-models/search":
      return fixture("registered_models_search.json");
    case "/model-versions/get":
      return fixture(address.searchParams.get("version") === "2" ? "alias_champion.json" : "alias_challenger.json");
    case "/runs/get": {
      const { runs } = JSON.parse(fixture("runs_search.json")) as { runs: { info: { run_id: string } }[] };
      const run = runs.find((one) => one.info.run_id === address.searchParams.get("run_id"));
      return run ? JSON.stringify({ run }) : fixture("run_get_champion.json");
    }
  }
  return undefined;
}

/** The targets of `stack/` that are no bellbuoy, and its MLflow: one with metrics, one whose line 3 is none, one that is not found, a receiver that fails. */
function answer(request: { url?: string; resume(): void }, response: { writeHead(status: number, headers: Record<string, string>): void; end(text: string): void }) {
  request.resume();
  const text = { "content-type": "text/plain; version=0.0.4" };
  const registry = mlflow(new URL(request.url ?? "/", "http://mlflow"));
  if (registry !== undefined) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(registry);
    return;
  }
  if (request.url === "/metrics") {
    response.writeHead(200, text);
    response.end(`# TYPE requests_total counter\nrequests_total{code="200"} ${Math.floor(Date.now() / 100) % 100_000}\nrequests_total{code="500"} 3\ntemperature{room="é \\"<b>x</b>"} 21.5\n`);
  } else if (request.url === "/broken") {
    response.writeHead(200, text);
    response.end("# a comment\ngood 1\nthis is no metric at all\n");
  } else if (request.url?.startsWith("/refuses")) {
    response.writeHead(400, text);
    response.end("<script>alert('receiver')</script> no such channel");
  } else {
    response.writeHead(404, text);
    response.end("nothing here");
  }
}

main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  })
  .then(async (status) => {
    await Promise.all(started.map((child) => new Promise((done) => (child.exitCode !== null ? done(null) : (child.on("exit", done), child.kill("SIGTERM"))))));
    rmSync(scratch, { recursive: true, force: true });
    process.exit(status);
  });
