/** show: the small drawings in lines of text: a sparkline with its threshold, a meter, a strip of states. SVG of our own; no library. */
import { sparkPath } from "./spark";

export interface SparklineProps {
  /** Newest last; null is a gap. */
  values: (number | null)[];
  /** Unix milliseconds of each, when they are not equally far apart. */
  times?: number[];
  threshold?: number | null;
  width?: number;
  height?: number;
  /** What it shows, in words, for screen readers. */
  label: string;
  tone?: "good" | "warn" | "bad" | "";
}

/** Nothing is drawn of nothing: then say why beside it. */
export function Sparkline({ values, times, threshold, width = 120, height = 28, label, tone = "" }: SparklineProps) {
  const drawn = sparkPath(values, times, threshold ?? undefined, width, height);
  if (!drawn) return null;
  return (
    <svg class={`spark ${tone}`} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <title>{label}</title>
      {drawn.threshold !== undefined && <line class="spark-threshold" x1={0} x2={width} y1={drawn.threshold} y2={drawn.threshold} />}
      <path class="spark-line" d={drawn.line} />
      {drawn.last && <circle class="spark-last" cx={drawn.last[0]} cy={drawn.last[1]} r={2} />}
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
