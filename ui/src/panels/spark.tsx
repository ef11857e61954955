/** show: a small line without axes. In: moments and numbers. Out: SVG that fills its place. Breaks where a number is missing; at most 300 points are drawn. */
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
  const numbers = values.filter((value): value is number => value !== null);
  if (numbers.length < 2 || width < 8 || height < 4) return null;
  let low = min ?? Infinity;
  let high = max ?? -Infinity;
  for (const value of numbers) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high === low) {
    low -= 1;
    high += 1;
  }
  const from = times[0]!;
  const span = times.at(-1)! - from || 1;
  const step = Math.max(1, Math.floor(values.length / 300));
  const runs: [number, number][][] = [[]];
  for (let at = 0; at < values.length; at++) {
    if (at % step !== 0 && at !== values.length - 1) continue;
    const value = values[at];
    if (value === null || value === undefined) {
      if (runs.at(-1)!.length) runs.push([]);
      continue;
    }
    runs.at(-1)!.push([((times[at]! - from) / span) * width, height - 1 - ((value - low) / (high - low)) * (height - 3)]);
  }
  const path = (run: [number, number][]) => run.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  const drawn = runs.filter((run) => run.length > 1);
  return (
    <svg class="spark-back" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {fill && drawn.map((run, at) => <path key={`f${at}`} d={`${path(run)}L${run.at(-1)![0].toFixed(1)} ${height}L${run[0]![0].toFixed(1)} ${height}Z`} fill={color} fill-opacity={0.16} />)}
      {drawn.map((run, at) => <path key={at} d={path(run)} fill="none" stroke={color} stroke-width={1.5} stroke-linejoin="round" />)}
    </svg>
  );
}
