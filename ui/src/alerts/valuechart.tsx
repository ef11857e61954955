/** show: what a rule looks at, over time, against its line, with bands where it was pending and fired. Says why when there is nothing. */
import { prom, useAsked } from "../api";
import { ErrorLine, Loading } from "../parts/basics";
import { seriesText } from "../parts/text";
import { colourOf, TimeChart, type ChartBand } from "../panels/timechart";
import { rangeTo } from "../query/grid";
import { queryRange } from "../query/series";
import type { Comparison } from "./threshold";
import type { Labels } from "../shapes";

interface Props {
  query: string;
  comparison: Comparison | undefined;
  seconds: number;
  least: number;
  /** Series of these labels are drawn boldly. */
  labels: Labels;
  bands: (end: number) => ChartBand[];
}

const SERIES_MAX = 30;

export function ValueChart({ query, comparison, seconds, least, labels, bands }: Props) {
  const left = comparison?.left ?? query;
  const asked = useAsked(
    async (abort) => {
      const range = rangeTo(Date.now() / 1000, seconds, 300, Math.max(least, 0.25));
      const [value, line] = await Promise.all([
        queryRange(left, range, SERIES_MAX, abort),
        comparison && comparison.threshold === undefined ? queryRange(comparison.right, range, 3, abort).catch(() => undefined) : undefined,
      ]);
      return { value, line, range };
    },
    `${left} ${seconds}`,
    Math.max(2000, Math.min((seconds / 300) * 1000, 30_000)),
  );
  if (asked.error) return <ErrorLine error={asked.error} again={asked.again} />;
  if (!asked.data) return <Loading />;
  const { value, line, range } = asked.data;
  const drawn = value.series.filter((series) => series.values.some((one) => one !== null));
  if (drawn.length === 0) return <NoSamples left={left} />;
  const mine = (series: Labels) => Object.keys(labels).length > 0 && Object.entries(series).every(([name, one]) => labels[name] === undefined || labels[name] === one);
  const lines = drawn.map((series, index) => ({ name: seriesText(series.labels) || left, values: series.values, colour: colourOf(index), width: mine(series.labels) ? 2.5 : 1.5 }));
  for (const series of line?.series ?? []) lines.push({ name: `line: ${seriesText(series.labels)}`, values: series.values, colour: "--bad", width: 1.5, ...{ dash: true } });
  return (
    <>
      <TimeChart
        label={`The value of the rule over time${comparison?.threshold !== undefined ? ` against ${comparison.op} ${comparison.threshold}` : ""}`}
        times={value.times}
        lines={lines}
        threshold={comparison?.threshold !== undefined ? { value: comparison.threshold, op: comparison.op } : undefined}
        bands={bands(range.end)}
        from={range.start}
        to={range.end}
      />
      <p class="chart-key quiet">
        <i class="firing" /> it fired <i class="pending" /> it was pending {drawn.length > 1 && <>· {drawn.length}{drawn.length === SERIES_MAX ? " or more" : ""} series</>}
      </p>
    </>
  );
}

/** Nothing to compare: the newest trace of it, when there is one. */
function NoSamples({ left }: { left: string }) {
  const trace = useAsked((abort) => prom<{ result: { value: [number, string] }[] }>("query", { query: `count(last_over_time((${left})[30d:5m]))` }, abort).catch(() => undefined), `trace ${left}`);
  return (
    <p class="empty">
      <b>No samples in this time.</b> <code>{left.slice(0, 300)}</code> finds nothing, so the rule can not fire: that is not the same as all being well.
      {trace.data && trace.data.result.length === 0 && " There was none in the last 30 days either; the metric may have another name."}
    </p>
  );
}
