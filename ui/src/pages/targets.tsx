/** show: what is scraped, by job: state, last error, duration, samples; what was dropped, and by which relabelling step. */
import { prom, useAsked } from "../api";
import { Ago, Empty, ErrorLine, Facts, Loading, State, Tag, Text } from "../parts/basics";
import { filtered, Filter, Tabs, useTab } from "../parts/controls";
import { Labels } from "../parts/labels";
import { count, plural } from "../parts/number";
import { Table, type Column } from "../parts/table";
import { cut, oneLine, safeUrl } from "../parts/text";
import { duration, millis, now, parseDuration } from "../parts/time";
import { place, setQuery } from "../router";
import type { PageProps } from "../routes";
import type { DroppedTarget, Target, Targets as Answer } from "../shapes";
import { RelabelSteps } from "../targets/relabel";
import "../targets/targets.css";

const EVERY_MS = 5000;

export default function Targets(_: PageProps) {
  const asked = useAsked((abort) => prom<Answer>("targets", { state: "any" }, abort), "targets", EVERY_MS);
  const active = asked.data?.activeTargets ?? [];
  const dropped = asked.data?.droppedTargets ?? [];
  const droppedCount = Math.max(dropped.length, Object.values(asked.data?.droppedTargetCounts ?? {}).reduce((sum, many) => sum + many, 0));
  const tabs = [
    { id: "active", title: "Active", count: active.length },
    { id: "dropped", title: "Dropped", count: droppedCount },
  ];
  const tab = useTab(tabs);
  return (
    <>
      <h1>Targets</h1>
      <ErrorLine error={asked.error} again={asked.again} />
      <Tabs tabs={tabs} label="Targets" clears={["q", "health", "sort"]} />
      {!asked.data && asked.loading && <Loading />}
      {asked.data && (tab === "active" ? <Active targets={active} dropped={droppedCount} /> : <Dropped targets={dropped} all={droppedCount} />)}
    </>
  );
}

const HEALTHS = ["up", "down", "unknown"] as const;

function Active({ targets, dropped }: { targets: Target[]; dropped: number }) {
  if (targets.length === 0) return <NoTargets dropped={dropped} />;
  const health = place.value.query.get("health");
  const shown = filtered(targets, (target) => [target.scrapePool, target.scrapeUrl, target.lastError, ...Object.values(target.labels).map((value) => cut(value, 500))].join(" ")).filter((target) => !health || target.health === health);
  const pools = new Map<string, Target[]>();
  for (const target of shown) pools.set(target.scrapePool, [...(pools.get(target.scrapePool) ?? []), target]);
  const broken = (one: Target[]) => one.filter((target) => target.health === "down").length;
  const ordered = [...pools].sort(([nameA, a], [nameB, b]) => Number(broken(b) > 0) - Number(broken(a) > 0) || nameA.localeCompare(nameB));
  return (
    <>
      <div class="bar">
        <Filter placeholder="Filter by job, address, label, error" />
        {HEALTHS.map((one) => {
          const many = targets.filter((target) => target.health === one).length;
          return (
            <button key={one} type="button" class="small" aria-pressed={health === one} onClick={() => setQuery({ health: health === one ? undefined : one })}>
              {count(many)} {one === "unknown" ? "not asked yet" : one}
            </button>
          );
        })}
      </div>
      {ordered.length === 0 && <p class="quiet">No target fits the filter.</p>}
      {ordered.map(([pool, members]) => (
        <section key={pool} class="pool">
          <h2>
            <bdi>{oneLine(cut(pool, 200))}</bdi>
            <small>
              {members.filter((target) => target.health === "up").length} of {members.length} up · each {members[0]?.scrapeInterval}, {members[0]?.scrapeTimeout} to answer
            </small>
          </h2>
          <Table rows={members} columns={COLUMNS} rowKey={(target) => target.scrapeUrl + JSON.stringify(target.labels)} caption={`Targets of ${cut(pool, 100)}`} detail={(target) => <Detail target={target} />} pageSize={100} />
        </section>
      ))}
    </>
  );
}

const COLUMNS: Column<Target>[] = [
  { key: "url", width: "23%", title: "Address", value: (target) => target.scrapeUrl, cell: (target) => <Address url={target.scrapeUrl} /> },
  { key: "health", width: "86px", title: "State", value: (target) => target.health, cell: (target) => <><State of={target.health} />{isLate(target) && <> <Tag tone="warn" title="the last scrape is older than three intervals">late</Tag></>}</> },
  { key: "labels", width: "21%", title: "Labels", cell: (target) => <Labels of={target.labels} omit={["job"]} max={5} /> },
  { key: "last", width: "96px", title: "Last scrape", value: (target) => millis(target.lastScrape), cell: (target) => <Ago at={target.lastScrape} /> },
  { key: "took", width: "84px", title: "Took", num: true, value: (target) => (target.health === "unknown" ? undefined : target.lastScrapeDuration), cell: (target) => (target.health === "unknown" ? "" : duration(target.lastScrapeDuration)) },
  { key: "samples", width: "84px", title: "Samples", num: true, value: (target) => target.samples, cell: (target) => (target.samples === undefined || target.health !== "up" ? "" : count(target.samples)) },
  { key: "error", title: "Error", value: (target) => target.lastError || undefined, cell: (target) => (target.lastError ? <span class="target-error"><Text of={target.lastError} max={200} /></span> : target.warning ? <span class="warn"><Text of={target.warning} max={200} /></span> : "") },
];

/** Three intervals without a scrape: the scraper is behind. */
function isLate(target: Target): boolean {
  const last = millis(target.lastScrape);
  const every = parseDuration(target.scrapeInterval);
  return last !== undefined && every !== undefined && now.value - last > Math.max(3000 * every, 10_000);
}

function Address({ url }: { url: string }) {
  const safe = safeUrl(url);
  const text = <bdi class="target-url">{oneLine(cut(url, 300))}</bdi>;
  return safe ? (
    <a href={safe} target="_blank" rel="noreferrer noopener">
      {text}
    </a>
  ) : (
    text
  );
}

const REFUSALS: Record<string, string> = { duplicate: "refused: the same twice", outOfOrder: "refused: older than the newest", badTime: "refused: time out of bounds", storeLimit: "refused: a limit of the store" };
const LIMITS: Record<string, string> = { samples: "samples", labels: "labels", labelNameBytes: "bytes of a label's name", labelValueBytes: "bytes of a label's value", bodyBytes: "bytes of the answer" };

function Detail({ target }: { target: Target }) {
  const facts: [string, string][] = [];
  if (target.samples !== undefined) facts.push(["samples of the last scrape", count(target.samples)]);
  if (target.samplesAfterRelabelling !== undefined) facts.push(["after metric_relabel_configs", count(target.samplesAfterRelabelling)]);
  if (target.samplesDropped) facts.push(["dropped by metric_relabel_configs", count(target.samplesDropped)]);
  if (target.seriesAdded !== undefined) facts.push(["new series", count(target.seriesAdded)]);
  for (const [name, many] of Object.entries(target.samplesRefused ?? {})) if (many > 0) facts.push([REFUSALS[name] ?? name, count(many)]);
  for (const [name, most] of Object.entries(target.limits ?? {})) if (most > 0) facts.push([`at most, ${LIMITS[name] ?? name}`, count(most)]);
  return (
    <>
      {facts.length > 0 && <Facts of={facts} />}
      {target.warning && (
        <p class="warn">
          <Text of={target.warning} />
        </p>
      )}
      <RelabelSteps pool={target.scrapePool} labels={target.discoveredLabels} />
    </>
  );
}

function NoTargets({ dropped }: { dropped: number }) {
  if (dropped > 0) {
    return <Empty title="All targets were dropped" because={`${plural(dropped, "target")} were found, and relabelling dropped each.`} todo="The list of dropped targets shows the step that did it." />;
  }
  return (
    <Empty
      title="No targets"
      because="No job of prometheus.yml has found a target."
      todo="Add the address of a service that has /metrics."
      snippet={{ language: "yaml", text: 'scrape_configs:\n  - job_name: my-service\n    static_configs:\n      - targets: ["127.0.0.1:8000"]\n' }}
    />
  );
}

const DROPPED_COLUMNS: Column<DroppedTarget>[] = [
  { key: "job", title: "Job", value: (target) => target.scrapePool ?? target.discoveredLabels.job ?? "" },
  { key: "address", title: "Address", value: (target) => target.discoveredLabels.__address__ ?? "", cell: (target) => <bdi>{oneLine(cut(target.discoveredLabels.__address__ ?? "", 200))}</bdi> },
  { key: "reason", title: "Why", value: (target) => target.reason ?? "", cell: (target) => <Text of={target.reason ?? "a relabelling step dropped it"} /> },
  { key: "labels", title: "Found as", cell: (target) => <Labels of={target.discoveredLabels} omit={["__address__", "job", "__metrics_path__", "__scheme__", "__scrape_interval__", "__scrape_timeout__"]} max={4} /> },
];

function Dropped({ targets, all }: { targets: DroppedTarget[]; all: number }) {
  if (all === 0) return <Empty title="No target was dropped" because="Relabelling keeps every target that was found." />;
  const shown = filtered(targets, (target) => [target.scrapePool, ...Object.values(target.discoveredLabels)].join(" "));
  return (
    <>
      <div class="bar">
        <Filter placeholder="Filter by job, address, label" />
        {all > targets.length && <span class="quiet">{count(all - targets.length)} more were dropped and are not kept (keep_dropped_targets)</span>}
      </div>
      <Table rows={shown} columns={DROPPED_COLUMNS} rowKey={(target) => JSON.stringify(target.discoveredLabels)} caption="Dropped targets" isOpen={() => shown.length === 1} detail={(target) => <RelabelSteps pool={target.scrapePool ?? target.discoveredLabels.job ?? ""} labels={target.discoveredLabels} />} />
    </>
  );
}
