/** show: a small line without axes. In: moments and numbers. Out: SVG that fills its place. Breaks where a number is missing; at most 300 points are drawn. */
import { endsOf, pathOf, runsOf, type Point } from "../parts/spark";

interface Props {
  times: number[];
  values: (number | null)[];
  color: string;
  width: number;
  height: number;
  fill?: boolean;
  min?: number;
  max?: number;
}

export function Spark({ times, values, color, width, height, fill = true, min, max }: Props) {
  const step = Math.max(1, Math.floor(values.length / 300));
  const points: Point[] = [];
  for (const [at, value] of values.entries()) if (at % step === 0 || at === values.length - 1) points.push([times[at]!, value]);
  const runs = runsOf(points).filter((run) => run.length > 1);
  const ends = endsOf(runs);
  if (!ends || width < 8 || height < 4) return null;
  let [low, high] = [Math.min(min ?? Infinity, ends[0]), Math.max(max ?? -Infinity, ends[1])];
  if (high === low) [low, high] = [low - 1, high + 1];
  const from = times[0]!;
  const span = times.at(-1)! - from || 1;
  const x = (at: number) => ((at - from) / span) * width;
  const y = (value: number) => height - 1 - ((value - low) / (high - low)) * (height - 3);
  return (
    <svg class="spark-back" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {fill && runs.map((run, at) => <path key={`f${at}`} d={`${pathOf(run, x, y)}L${x(run.at(-1)![0]).toFixed(1)} ${height}L${x(run[0]![0]).toFixed(1)} ${height}Z`} fill={color} fill-opacity={0.16} />)}
      {runs.map((run, at) => <path key={at} d={pathOf(run, x, y)} fill="none" stroke={color} stroke-width={1.5} stroke-linejoin="round" />)}
    </svg>
  );
}
