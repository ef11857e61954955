/** show: what the series are: the metrics, labels and pairs that make the most of them. */
import { prom, useAsked } from "../api";
import { Empty, ErrorLine, Loading } from "../parts/basics";
import { Meter } from "../parts/charts";
import { bytes, count, percent } from "../parts/number";
import { Table, type Column } from "../parts/table";
import { cut, oneLine } from "../parts/text";
import { href, place, setQuery } from "../router";
import type { PageProps } from "../routes";
import type { Cardinality as Answer, NamedValue } from "../shapes";
import "./cardinality.css";

const LIMITS = ["10", "25", "100", "1000"];

export default function Cardinality(_: PageProps) {
  const limit = place.value.query.get("limit") ?? "10";
  const asked = useAsked((abort) => prom<Answer>("status/tsdb", { limit: LIMITS.includes(limit) ? limit : "10" }, abort), limit, 30_000);
  const head = asked.data?.headStats;
  return (
    <>
      <div class="bar">
        <h1>Cardinality</h1>
        {head && <span class="quiet">{count(head.numSeries)} series in memory</span>}
        <label class="right quiet">
          The first{" "}
          <select value={limit} onChange={(event) => setQuery({ limit: event.currentTarget.value })}>
            {LIMITS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </div>
      <ErrorLine error={asked.error} again={asked.again} />
      {!asked.data && asked.loading && <Loading />}
      {asked.data && head?.numSeries === 0 && <Empty title="No series yet" because="No sample was taken in since the start." todo={<a href={href("targets")}>Targets and their errors</a>} />}
      {asked.data && head && head.numSeries > 0 && (
        <div class="tops">
          <Top title="Metrics with the most series" rows={asked.data.seriesCountByMetricName} all={head.numSeries} name="Metric" value="Series" to={(row) => href("query", { "g0.expr": metric(row.name) })} />
          <Top title="Label pairs in the most series" rows={asked.data.seriesCountByLabelValuePair} all={head.numSeries} name="Pair" value="Series" />
          <Top title="Labels with the most values" rows={asked.data.labelValueCountByLabelName} name="Label" value="Values" />
          <Top title="Labels with the most memory" rows={asked.data.memoryInBytesByLabelName} name="Label" value="Bytes" as={bytes} />
        </div>
      )}
    </>
  );
}

function metric(name: string): string {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name) ? name : `{"${name.replace(/["\\]/g, "\\$&")}"}`;
}

interface TopProps {
  title: string;
  rows: NamedValue[];
  /** Of how many; none: of the largest. */
  all?: number;
  name: string;
  value: string;
  as?: (value: number) => string;
  to?: (row: NamedValue) => string;
}

function Top({ title, rows, all, name, value, as = count, to }: TopProps) {
  const most = all ?? rows[0]?.value ?? 0;
  const columns: Column<NamedValue>[] = [
    { key: "name", title: name, cell: (row) => (to ? <a class="mono" href={to(row)}><bdi>{oneLine(cut(row.name, 160))}</bdi></a> : <bdi class="mono">{oneLine(cut(row.name, 160))}</bdi>) },
    { key: "value", title: value, num: true, cell: (row) => as(row.value) },
    { key: "share", title: all ? "Share" : "Of the most", class: "share", cell: (row) => <Meter value={row.value} max={most} label={all ? percent(row.value / all) : as(row.value)} /> },
  ];
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? <p class="quiet">The server does not count them.</p> : <Table rows={rows} columns={columns} rowKey={(row) => row.name} caption={title} />}
    </section>
  );
}
