/** show: the program itself: build, runtime, storage, queues, what was dropped, flags. */
import { get, prom, useAsked } from "../api";
import { overview } from "../overview";
import { Ago, At, Empty, ErrorLine, Facts, Loading, Tag, Text } from "../parts/basics";
import { Tabs, useTab } from "../parts/controls";
import { bytes, count, number, percent } from "../parts/number";
import { Table, type Column } from "../parts/table";
import { coarse, millis, now } from "../parts/time";
import { href } from "../router";
import type { PageProps } from "../routes";
import type { Cardinality } from "../shapes";
import { losses, readOwn, total, type Own } from "../status/metrics";

const EVERY_MS = 5000;

interface Runtime {
  startTime: string;
  CWD: string;
  serverTime: string;
  reloadConfigSuccess: boolean;
  lastConfigTime: string;
  corruptionCount: number;
  GOMAXPROCS: number;
  storageRetention: string;
}

interface Build {
  version: string;
  revision: string;
}

const TABS = [
  { id: "program", title: "Program" },
  { id: "drops", title: "Queues and drops" },
  { id: "flags", title: "Flags" },
];

export default function Status(_: PageProps) {
  const tab = useTab(TABS);
  const own = useAsked((abort) => get<string>("metrics", {}, abort).then(readOwn), "metrics", EVERY_MS);
  return (
    <>
      <h1>Status</h1>
      <Tabs tabs={TABS} label="Status" clears={["sort"]} />
      <ErrorLine error={own.error} again={own.again} what="/metrics" />
      {tab === "program" && <Program own={own.data ?? []} />}
      {tab === "drops" && (own.data ? <Drops own={own.data} /> : <Loading />)}
      {tab === "flags" && <Flags />}
    </>
  );
}

function Program({ own }: { own: Own[] }) {
  const build = useAsked((abort) => prom<Build>("status/buildinfo", {}, abort), "buildinfo");
  const runtime = useAsked((abort) => prom<Runtime>("status/runtimeinfo", {}, abort), "runtimeinfo", EVERY_MS);
  const tsdb = useAsked((abort) => prom<Cardinality>("status/tsdb", {}, abort), "tsdb", EVERY_MS);
  const known = overview.value.data;
  if (!build.data && build.loading) return <Loading />;
  const started = millis(runtime.data?.startTime);
  const cpu = total(own, "process_cpu_seconds_total");
  const running = started === undefined ? undefined : (now.value - started) / 1000;
  const head = tsdb.data?.headStats;
  const storage = known?.ingestion;
  return (
    <>
      <ErrorLine error={build.error ?? runtime.error} again={runtime.again} />
      <h2>Program</h2>
      <Facts
        of={[
          ["version", build.data?.revision || build.data?.version || "unknown"],
          ["speaks Prometheus' API of", build.data?.version ?? "unknown"],
          ["started", <At at={runtime.data?.startTime} />],
          ["running for", running === undefined ? "unknown" : coarse(running)],
          ["folder", <span class="mono">{known?.folder ?? runtime.data?.CWD ?? "unknown"}</span>],
          ["configuration", <><Ago at={runtime.data?.lastConfigTime} /> {runtime.data && !runtime.data.reloadConfigSuccess && <Tag tone="bad">the last reload failed</Tag>}</>],
          ["cores", number(runtime.data?.GOMAXPROCS)],
          ["memory", bytes(total(own, "process_resident_memory_bytes"))],
          ["processor, since its start", cpu === undefined || !running || running < 1 ? "unknown" : percent(cpu / running)],
          ["open files", count(total(own, "process_open_fds"))],
        ]}
      />
      <h2>Storage</h2>
      <Facts
        of={[
          ["series in memory", count(head?.numSeries)],
          ["chunks in memory", count(head?.chunkCount || total(own, "prometheus_tsdb_head_chunks"))],
          ["oldest sample", <At at={storage?.oldest ?? (head && head.minTime > 0 ? head.minTime : null)} />],
          ["newest sample", <At at={storage?.newest ?? (head && head.maxTime > 0 ? head.maxTime : null)} />],
          ["kept for", runtime.data?.storageRetention ?? "unknown"],
          ["write-ahead log", bytes(storage?.bytes.wal ?? total(own, "prometheus_tsdb_wal_storage_size_bytes"))],
          ["samples taken in", count(total(own, "prometheus_tsdb_head_samples_appended_total"))],
          ["corruptions", count(runtime.data?.corruptionCount)],
        ]}
      />
      <p class="quiet">
        More: <a href={href("cardinality")}>what the series are</a>, <a href={href("configuration")}>the files</a>, <a href={href("findings")}>findings of check</a>.
      </p>
    </>
  );
}

const LOSSES: Column<Own>[] = [
  { key: "name", title: "Counter", value: (row) => row.name, cell: (row) => <a class="mono" href={href("query", { "g0.expr": `rate(${row.name}[5m])` })}>{row.name}</a> },
  { key: "labels", title: "Labels", value: (row) => row.labels, cell: (row) => <code><Text of={row.labels} max={160} /></code> },
  { key: "value", title: "Since its start", num: true, value: (row) => row.value, cell: (row) => <span class={row.value > 0 ? "warn" : "quiet"}>{count(row.value)}</span> },
];

const QUEUES: [string, string][] = [
  ["bellbuoy_outbox_messages", "messages in the outbox"],
  ["bellbuoy_rule_alerts", "alerts of rules"],
  ["alertmanager_alerts", "alerts at the router"],
  ["bellbuoy_pushed_groups", "groups that were pushed"],
];

function Drops({ own }: { own: Own[] }) {
  const lost = losses(own);
  const some = lost.filter((one) => one.value > 0);
  return (
    <>
      <h2>Queues</h2>
      <Facts of={QUEUES.filter(([name]) => total(own, name) !== undefined).map(([name, words]) => [words, count(total(own, name))])} />
      <h2>Lost, refused, failed</h2>
      {some.length === 0 && <Empty title="Nothing was lost" because={`None of the ${lost.length} counters of drops and failures has counted anything since the start.`} />}
      {some.length > 0 && <Table rows={some} columns={LOSSES} rowKey={(row) => `${row.name}${row.labels}`} caption="Counters above zero" sort="-value" />}
      {lost.length > some.length && (
        <details>
          <summary class="quiet">{lost.length - some.length} counters are at zero</summary>
          <Table rows={lost.filter((one) => one.value === 0)} columns={LOSSES} rowKey={(row) => `${row.name}${row.labels}`} caption="Counters at zero" sortName="zeros" />
        </details>
      )}
    </>
  );
}

const FLAGS: Column<[string, string]>[] = [
  { key: "name", title: "Flag", value: ([name]) => name, cell: ([name]) => <code>--{name}</code> },
  { key: "value", title: "Value", value: ([, value]) => value, cell: ([, value]) => <code><Text of={value} /></code> },
];

function Flags() {
  const asked = useAsked((abort) => prom<Record<string, string>>("status/flags", {}, abort), "flags");
  if (!asked.data && asked.loading) return <Loading />;
  return (
    <>
      <ErrorLine error={asked.error} again={asked.again} />
      {asked.data && <Table rows={Object.entries(asked.data)} columns={FLAGS} rowKey={([name]) => name} caption="Flags" sort="name" />}
    </>
  );
}
