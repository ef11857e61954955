/** show: a small chart of a step of Why?. In: lines and thresholds of the explanation. Out: an SVG; gaps stay gaps. Says its range in words. */
import { number } from "../parts/number";
import { endsOf, pathOf, runsOf } from "../parts/spark";
import { brief } from "../parts/time";
import type { ExplainChart } from "./types";

const [WIDTH, HEIGHT] = [240, 46];

export function MiniChart({ chart, of }: { chart: ExplainChart; of: string }) {
  const drawn = chart.series.map((series) => ({ role: series.role, runs: runsOf(series.points, chart.stepMs > 0 ? chart.stepMs * 1.5 : undefined) }));
  const reach = endsOf(drawn.flatMap((series) => series.runs));
  if (!reach || !drawn.some((series) => series.role === "value" && series.runs.length > 0)) return <small class="quiet">no samples from {brief(chart.from)} to {brief(chart.to)}</small>;
  let [low, high] = reach;
  const ends = `${number(low)} … ${number(high)}`;
  const said = `${of}: ${number(low)} to ${number(high)}, from ${brief(chart.from)} to ${brief(chart.to)}`;
  if (low === high) [low, high] = [low - Math.abs(low || 1) * 0.5, high + Math.abs(high || 1) * 0.5];
  const x = (at: number) => ((at - chart.from) / Math.max(chart.to - chart.from, 1)) * WIDTH;
  const y = (value: number) => 3 + (HEIGHT - 6) * (1 - (value - low) / (high - low));
  return (
    <figure class="minichart">
      <svg width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={said}>
        <title>{said}</title>
        {drawn.map((series, index) => (
          <path key={index} class={series.role === "threshold" ? "limit" : `line c${index % 4}`} d={series.runs.map((run) => pathOf(run, x, y)).join("")} />
        ))}
      </svg>
      <figcaption>
        <span>{brief(chart.from)}</span>
        <span>
          {ends}
        </span>
        <span>{brief(chart.to)}</span>
      </figcaption>
    </figure>
  );
}
