/** show: a small chart of a step of Why?. In: lines and thresholds of the explanation. Out: an SVG; gaps stay gaps. Says its range in words. */
import { number } from "../parts/number";
import { brief } from "../parts/time";
import type { ExplainChart } from "./types";

const [WIDTH, HEIGHT] = [240, 46];

export function MiniChart({ chart, of }: { chart: ExplainChart; of: string }) {
  const values = chart.series.flatMap((series) => series.points.map(([, value]) => value)).filter((value): value is number => value !== null && Number.isFinite(value));
  const own = chart.series.some((series) => series.role === "value" && series.points.some(([, value]) => value !== null));
  if (!own) return <small class="quiet">no samples from {brief(chart.from)} to {brief(chart.to)}</small>;
  let [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const ends = `${number(low)} … ${number(high)}`;
  const said = `${of}: ${number(low)} to ${number(high)}, from ${brief(chart.from)} to ${brief(chart.to)}`;
  if (low === high) [low, high] = [low - Math.abs(low || 1) * 0.5, high + Math.abs(high || 1) * 0.5];
  const x = (at: number) => ((at - chart.from) / Math.max(chart.to - chart.from, 1)) * WIDTH;
  const y = (value: number) => 3 + (HEIGHT - 6) * (1 - (value - low) / (high - low));
  return (
    <figure class="minichart">
      <svg width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={said}>
        <title>{said}</title>
        {chart.series.map((series, index) => (
          <path key={index} class={series.role === "threshold" ? "limit" : `line c${index % 4}`} d={path(series.points, x, y, chart.stepMs)} />
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

function path(points: [number, number | null][], x: (at: number) => number, y: (value: number) => number, stepMs: number): string {
  let out = "";
  let before: number | undefined;
  for (const [at, value] of points) {
    if (value === null || !Number.isFinite(value)) {
      before = undefined;
      continue;
    }
    const point = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    out += before === undefined || (stepMs > 0 && at - before > stepMs * 1.5) ? `M${point}h.01` : `L${point}`;
    before = at;
  }
  return out;
}
