/** show: a line of text high, how a value went, with the threshold. In: values on a grid. Out: an SVG; what lies beyond the threshold is red. */
import { number as num } from "../parts/number";
import { holds, type Comparison } from "./threshold";
import "./spark.css";

interface Props {
  values: (number | null)[];
  comparison?: Pick<Comparison, "op" | "threshold">;
  width?: number;
  height?: number;
  /** What it is of, for screen readers. */
  of: string;
}

export function Spark({ values, comparison, width = 150, height = 24, of }: Props) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length === 0) return <span class="quiet">no samples</span>;
  const threshold = comparison?.threshold;
  let [low, high] = [Math.min(...known), Math.max(...known)];
  const [least, most] = [low, high];
  // The threshold is in sight unless it would press the line flat.
  const reach = Math.max(high - low, Math.abs(high) * 0.1, 1e-12);
  const seen = threshold !== undefined && threshold >= low - reach * 6 && threshold <= high + reach * 6;
  if (seen && threshold !== undefined) [low, high] = [Math.min(low, threshold), Math.max(high, threshold)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const y = (value: number) => 2 + (height - 4) * (1 - (value - low) / (high - low));
  const x = (index: number) => (values.length === 1 ? width : (index / (values.length - 1)) * (width - 4) + 1);
  const beyond = (value: number) => threshold !== undefined && comparison !== undefined && holds(value, comparison) === true;
  const last = values.findLastIndex((value) => value !== null);
  const said = `${of}: from ${num(least)} to ${num(most)}, last ${num(values[last])}${threshold === undefined ? "" : `, line at ${num(threshold)}`}`;
  return (
    <svg class="past" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={said}>
      <title>{said}</title>
      {seen && threshold !== undefined && <line class="limit" x1="0" x2={width} y1={y(threshold)} y2={y(threshold)} />}
      {paths(values, x, y, beyond).map(({ d, bad }, index) => (
        <path key={index} class={bad ? "line beyond" : "line"} d={d} />
      ))}
      {last >= 0 && <circle class={beyond(values[last] ?? 0) ? "dot beyond" : "dot"} cx={x(last)} cy={y(values[last] ?? 0)} r="2" />}
    </svg>
  );
}

/** Pieces of the line, each wholly within or beyond the threshold; a gap ends a piece. */
function paths(values: (number | null)[], x: (index: number) => number, y: (value: number) => number, beyond: (value: number) => boolean) {
  const out: { d: string; bad: boolean }[] = [];
  let piece: { d: string; bad: boolean } | undefined;
  values.forEach((value, index) => {
    if (value === null) {
      piece = undefined;
      return;
    }
    const point = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    const bad = beyond(value);
    if (!piece || piece.bad !== bad) {
      if (piece) piece.d += `L${point}`;
      piece = { d: `M${point}h.01`, bad };
      out.push(piece);
    } else piece.d += `L${point}`;
  });
  return out;
}
