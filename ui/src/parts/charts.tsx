/** show: the small drawings in lines of text: a line with its threshold, a meter, a strip of states. SVG of our own; no library. */
import { number } from "./number";
import { endsOf, pathOf, runsOf, split } from "./spark";

interface SparkProps {
  /** Equally far from each other, newest last; null is a gap. */
  values: (number | null)[];
  threshold?: number;
  /** What is beyond it is drawn in red. */
  beyond?: (value: number) => boolean;
  width?: number;
  height?: number;
  /** What it is of, for screen readers. */
  of: string;
}

/** A line of text high, how a value went. */
export function Spark({ values, threshold, beyond = () => false, width = 150, height = 24, of }: SparkProps) {
  const runs = runsOf(values.entries());
  const ends = endsOf(runs);
  const last = runs.at(-1)?.at(-1);
  if (!ends || !last) return <span class="quiet">no samples</span>;
  let [low, high] = ends;
  // The threshold is in sight unless it would press the line flat.
  const reach = Math.max(high - low, Math.abs(high) * 0.1, 1e-12) * 6;
  const seen = threshold !== undefined && threshold >= low - reach && threshold <= high + reach;
  if (seen) [low, high] = [Math.min(low, threshold), Math.max(high, threshold)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const y = (value: number) => 2 + (height - 4) * (1 - (value - low) / (high - low));
  const x = (index: number) => (values.length === 1 ? width / 2 : (index / (values.length - 1)) * (width - 4) + 1);
  const said = `${of}: from ${number(ends[0])} to ${number(ends[1])}, last ${number(last[1])}${threshold === undefined ? "" : `, line at ${number(threshold)}`}`;
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={said}>
      <title>{said}</title>
      {seen && <line class="limit" x1="0" x2={width} y1={y(threshold)} y2={y(threshold)} />}
      {split(runs, beyond).map((part, index) => (
        <path key={index} class={part.beyond ? "beyond" : ""} d={pathOf(part.run, x, y)} />
      ))}
      <circle class={beyond(last[1]) ? "beyond" : ""} cx={x(last[0])} cy={y(last[1])} r="2" />
    </svg>
  );
}

/** How far: `0:42 of 5:00`. */
export function Meter({ value, max, label, tone = "" }: { value: number; max: number; label: string; tone?: string }) {
  const share = max > 0 ? Math.min(1, Math.max(0, value / max)) : 1;
  return (
    <svg class={`meter ${tone}`} viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={label}>
      <title>{label}</title>
      <rect class="meter-all" width={100} height={6} />
      <rect class="meter-part" width={share * 100} height={6} />
    </svg>
  );
}

export interface StripItem {
  tone: "good" | "warn" | "bad" | "info" | "";
  title: string;
}

/** One bar a time, oldest first. */
export function Strip({ items, label, width = 6, height = 18 }: { items: StripItem[]; label: string; width?: number; height?: number }) {
  if (items.length === 0) return null;
  return (
    <svg class="strip" width={items.length * width} height={height} role="img" aria-label={label}>
      {items.map((item, index) => (
        <rect key={index} class={`strip-item ${item.tone}`} x={index * width} width={width - 1.5} height={height} rx={1}>
          <title>{item.title}</title>
        </rect>
      ))}
    </svg>
  );
}
