/**
 * show: how good a model is, over time. In: its figures in the store (as they were judged) or by windows of rows (as the rows say). Out: a chart
 * with a line per role, intervals around them, deployments marked.
 */
import { prom, useAsked } from "../api";
import { Empty, ErrorLine, Loading } from "../parts/basics";
import { number } from "../parts/number";
import { place, setQuery } from "../router";
import { colourOf, TimeChart, type ChartLine } from "../panels/timechart";
import { rangeTo } from "../query/grid";
import { queryRange } from "../query/series";
import { figureSelector, marksOf, metricName, shownSeconds, type Since } from "./shared";
import type { Entry, Figure, Report } from "./types";

const RANGES: Record<string, number> = { "5m": 300, "1h": 3600, "6h": 21_600, "1d": 86_400, "7d": 604_800, "30d": 2_592_000 };

interface Props {
  model: string;
  window: string;
  figures: Figure[];
  metric: string;
  report: Report | undefined;
  entries: Entry[];
}

export function Performance({ model, window, figures, metric, report, entries }: Props) {
  const query = place.value.query;
  const byRows = query.get("axis") === "rows";
  const metrics = figures.filter((figure) => !figure.estimated).map((figure) => figure.metric);
  return (
    <>
      <div class="bar">
        <label>
          <select aria-label="Figure" value={metric} onChange={(event) => setQuery({ metric: event.currentTarget.value })}>
            {[...new Set([metric, ...metrics])].map((one) => (
              <option key={one} value={one}>
                {metricName(one)}
              </option>
            ))}
          </select>
        </label>
        <span class="seg" role="group" aria-label="Axis">
          <button type="button" class="small" aria-pressed={!byRows} onClick={() => setQuery({ axis: undefined })}>
            when it was judged
          </button>
          <button type="button" class="small" aria-pressed={byRows} onClick={() => setQuery({ axis: "rows" })}>
            by the rows' own time
          </button>
        </span>
        {!byRows && <Ranges />}
      </div>
      {byRows ? <ByRows report={report} metric={metric} /> : <AsJudged model={model} window={window} metric={metric} entries={entries} />}
    </>
  );
}

function Ranges() {
  const chosen = place.value.query.get("range") ?? "";
  return (
    <span class="right ranges" role="group" aria-label="Range">
      {Object.keys(RANGES).map((one) => (
        <button key={one} type="button" class="small" aria-pressed={one === chosen} onClick={() => setQuery({ range: one === chosen ? undefined : one })}>
          {one}
        </button>
      ))}
    </span>
  );
}

function AsJudged({ model, window, metric, entries }: { model: string; window: string; metric: string; entries: Entry[] }) {
  const wished = RANGES[place.value.query.get("range") ?? ""];
  const selector = figureSelector(model, metric, window);
  const asked = useAsked(
    async (abort) => {
      const now = Date.now() / 1000;
      // Without a wish: since the figure is there, at most a week.
      const first = wished ?? (await sinceOf(selector, now, abort));
      const range = rangeTo(now, first, 240, 0.5);
      return { grid: await queryRange(selector, range, 60, abort), range };
    },
    `${selector} ${wished}`,
    5000,
  );
  if (asked.error) return <ErrorLine error={asked.error} again={asked.again} />;
  if (!asked.data) return <Loading />;
  const { grid, range } = asked.data;
  const lines = byRole(grid.series);
  if (lines.length === 0) return <Empty title="No figure in this time" because={`${metricName(metric)} of ${model} was unknown: it needs predictions with true values.`} />;
  return (
    <>
      <TimeChart label={`${metricName(metric)} of ${model} over time`} height={260} times={grid.times} lines={lines} from={range.start} to={range.end} marks={marksOf(entries).filter((mark) => mark.at >= range.start)} />
      <Key lines={lines} />
    </>
  );
}

async function sinceOf(selector: string, now: number, abort: AbortSignal): Promise<number> {
  const query = `min_over_time(timestamp(count(${selector}))[7d:1m])`;
  const found = await prom<Since>("query", { query }, abort).catch(() => undefined);
  return found ? shownSeconds(found, now) : 3600;
}

function byRole(series: { labels: Record<string, string>; values: (number | null)[] }[]): ChartLine[] {
  const roles = new Map<string, Partial<ChartLine>>();
  for (const { labels, values } of series) {
    const role = labels.role ?? "champion";
    const side = labels.__name__?.endsWith("_low") ? "low" : labels.__name__?.endsWith("_high") ? "high" : "values";
    roles.set(role, { ...roles.get(role), [side]: values });
  }
  const sorted = [...roles].sort(([a], [b]) => Number(b === "champion") - Number(a === "champion") || a.localeCompare(b));
  return sorted.flatMap(([role, line], index) => (line.values ? [{ name: role, colour: colourOf(index), width: 2, ...line, values: line.values }] : []));
}

function ByRows({ report, metric }: { report: Report | undefined; metric: string }) {
  const lines: ChartLine[] = [];
  const all = (report?.performance ?? []).flatMap((part) => part.lines.filter((line) => line.metric === metric).map((line) => ({ name: part.name, points: line.points })));
  const times = [...new Set(all.flatMap(({ points }) => points.map((point) => Date.parse(point.to) / 1000)))].filter(Number.isFinite).sort((a, b) => a - b);
  for (const [index, { name, points }] of all.entries()) {
    const at = new Map(points.map((point) => [Date.parse(point.to) / 1000, point]));
    const pick = (read: (point: Figure) => number | undefined) => times.map((time) => { const point = at.get(time); return (point && read(point)) ?? null; });
    const bands = points.some((point) => point.low !== undefined);
    lines.push({ name, colour: colourOf(index), width: 2, points: true, values: pick((point) => point.value), ...(bands ? { low: pick((point) => point.low), high: pick((point) => point.high) } : {}) });
  }
  if (times.length < 2) return <Empty title="Not enough windows yet" because={`${metricName(metric)} by the rows' own time needs two full windows; r2, rmse and the like are kept, others are not.`} />;
  return (
    <>
      <TimeChart label={`${metricName(metric)} by windows of rows`} height={260} times={times} lines={lines} />
      <Key lines={lines} />
      <p class="quiet">Each point is one window, at the time of its newest row.</p>
    </>
  );
}

function Key({ lines }: { lines: ChartLine[] }) {
  return (
    <p class="line-key">
      {lines.map((line) => (
        <span key={line.name}>
          <i ref={(el) => void (el && (el.style.background = line.colour))} /> {line.name}{" "}
          <b>{number(line.values.findLast((value) => value !== null))}</b>
          {line.low && <span class="quiet"> with its interval</span>}
        </span>
      ))}
    </p>
  );
}
