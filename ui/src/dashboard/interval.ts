/**
 * show: how far apart the points of a query are, by Grafana's rules: `$__interval`, `$__rate_interval`, `$__range`.
 *
 * In: the range, how many points the panel has room for, the smallest steps of panel, query and source. Out: milliseconds, and texts for PromQL.
 */
import type { Panel, Target } from "./model";

/** Prometheus refuses more points per series. */
export const POINTS_MAX = 11_000;

/** `[below, becomes]` in milliseconds: a length of time is rounded to one that people count in. */
const ROUNDED: [number, number][] = [
  [10, 1], [15, 10], [35, 20], [75, 50], [150, 100], [350, 200], [750, 500], [1500, 1000], [3500, 2000], [7500, 5000], [12_500, 10_000], [17_500, 15_000],
  [25_000, 20_000], [45_000, 30_000], [90_000, 60_000], [210_000, 120_000], [450_000, 300_000], [750_000, 600_000], [1_050_000, 900_000], [1_500_000, 1_200_000],
  [2_700_000, 1_800_000], [5_400_000, 3_600_000], [9_000_000, 7_200_000], [16_200_000, 10_800_000], [32_400_000, 21_600_000], [86_400_000, 43_200_000],
  [604_800_000, 86_400_000], [1_814_400_000, 604_800_000], [3_628_800_000, 2_592_000_000],
];
const YEAR_MS = 31_536_000_000;

export function roundInterval(ms: number): number {
  for (const [below, becomes] of ROUNDED) if (ms < below) return becomes;
  return YEAR_MS;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, M: 2_592_000_000, y: YEAR_MS };

/** `15s`, `>15s`, `1m30s`, `15` (seconds). `undefined`: no length of time. */
export function durationMs(text: string): number | undefined {
  const bare = text.trim().replace(/^[<>]=?\s*/, "");
  if (bare === "" || bare.length > 60) return undefined;
  if (/^\d+(\.\d+)?$/.test(bare)) return Number(bare) * 1000;
  let [sum, used] = [0, 0];
  for (const part of bare.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwMy])/g)) {
    sum += Number(part[1]) * UNIT_MS[part[2]!]!;
    used += part[0].length;
  }
  return used === bare.length ? sum : undefined;
}

/** As PromQL writes it, exact: the largest unit that divides it. */
export function durationText(ms: number): string {
  const whole = Math.max(1, Math.round(ms));
  for (const unit of ["d", "h", "m", "s"]) if (whole % UNIT_MS[unit]! === 0) return `${whole / UNIT_MS[unit]!}${unit}`;
  return `${whole}ms`;
}

/** For as many points as there is room for, rounded, not below `minMs`. */
export function calculateInterval(rangeMs: number, points: number, minMs: number): number {
  const rounded = roundInterval(rangeMs / Math.max(1, points));
  return Math.max(rounded, minMs);
}

export interface Steps {
  stepMs: number;
  /** `$__interval`, `$__interval_ms` and the like, by name without `$`. */
  macros: Record<string, string>;
}

export interface StepInput {
  rangeMs: number;
  points: number;
  panel: Pick<Panel, "minInterval">;
  /** `interval` already without variables. */
  target: Pick<Target, "interval" | "intervalFactor">;
  scrapeIntervalMs: number;
}

/** The step of one query and what its macros stand for. */
export function stepsOf({ rangeMs, points, panel, target, scrapeIntervalMs }: StepInput): Steps {
  const ofRate = /^\$(__rate_interval|\{__rate_interval\})$/.test(target.interval.trim());
  const own = /\$/.test(target.interval) ? undefined : durationMs(target.interval);
  const panelMin = durationMs(panel.minInterval) ?? scrapeIntervalMs;
  const min = own ?? calculateInterval(rangeMs, points, panelMin);
  const safe = Math.max(roundInterval(rangeMs / POINTS_MAX), Math.ceil(rangeMs / POINTS_MAX));
  const adjusted = Math.max(calculateInterval(rangeMs, points, min), safe);
  const scrape = own ?? scrapeIntervalMs;
  const stepMs = ofRate ? rateInterval(adjusted, scrapeIntervalMs) : adjusted * Math.max(1, target.intervalFactor);
  return { stepMs, macros: macros(stepMs, ofRate ? stepMs : rateInterval(stepMs, scrape), rangeMs) };
}

/** Wide enough for `rate` to see samples even when one scrape failed. */
export const rateInterval = (stepMs: number, scrapeMs: number): number => Math.max(stepMs + scrapeMs, 4 * scrapeMs);

function macros(stepMs: number, rateMs: number, rangeMs: number): Record<string, string> {
  const rangeSeconds = Math.max(1, Math.round(rangeMs / 1000));
  return {
    __interval: durationText(stepMs),
    __interval_ms: String(Math.round(stepMs)),
    __rate_interval: durationText(rateMs),
    __rate_interval_ms: String(Math.round(rateMs)),
    __range: `${rangeSeconds}s`,
    __range_s: String(rangeSeconds),
    __range_ms: String(Math.round(rangeMs)),
  };
}
