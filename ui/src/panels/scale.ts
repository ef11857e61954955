/** show: from where to where an axis of values goes. In: what a scale shares, the smallest and largest value of its lines. Out: two finite numbers, the first below the second; on a logarithmic one both above 0. Pure. */
import uPlot from "uplot";

import type { Line } from "./lines";

export interface Scale {
  line: Line;
  zero: boolean;
  percent: boolean;
  members: number[];
}

export function rangeOf(scale: Scale, lines: Line[], low: number | null, high: number | null): [number, number] {
  const { config } = scale.line.field;
  const { custom } = scale.line;
  const hardMin = scale.percent ? 0 : finite(config.min);
  const hardMax = scale.percent ? 1 : finite(config.max);
  const known = low !== null && high !== null && Number.isFinite(low) && Number.isFinite(high);
  if (custom.scale.type === "log") return logRange(custom.scale.base, positive(hardMin), positive(hardMax), known ? smallest(scale, lines) : undefined, high ?? 1);
  if (!known) return [hardMin ?? 0, Math.max(hardMax ?? 1, (hardMin ?? 0) + 1e-9)];
  let from = Math.min(low, custom.softMin ?? low, scale.zero ? 0 : low);
  let to = Math.max(high, custom.softMax ?? high, scale.zero ? 0 : high);
  if (custom.centeredZero) {
    to = Math.max(Math.abs(from), Math.abs(to));
    from = -to;
  }
  if (from === to && from === 0) return [hardMin ?? 0, hardMax ?? 1];
  const [padFrom, padTo] = uPlot.rangeNum(from, to, { min: { pad: custom.softMin === from ? 0 : 0.08, soft: 0, mode: 3 }, max: { pad: custom.softMax === to ? 0 : 0.08, soft: 0, mode: 3 } });
  const min = hardMin ?? padFrom!;
  const max = hardMax ?? padTo!;
  return max > min ? [min, max] : [min, min + 1];
}

/** Never from 0: its logarithm has no end, and the steps of an axis from there neither. */
function logRange(base: 2 | 10, hardMin: number | undefined, hardMax: number | undefined, least: number | undefined, high: number): [number, number] {
  const from = hardMin ?? least ?? 1;
  const [low, up] = uPlot.rangeLog(from, Math.max(hardMax ?? high, from), base, false);
  const min = hardMin ?? low!;
  const max = hardMax ?? up!;
  return max > min ? [min, max] : [min, min * base];
}

/** The smallest value that a logarithmic axis can show. */
function smallest(scale: Scale, lines: Line[]): number | undefined {
  let found = Infinity;
  for (const member of scale.members) for (const value of lines[member]!.drawn) if (typeof value === "number" && value > 0 && value < found) found = value;
  return Number.isFinite(found) ? found : undefined;
}

export const finite = (value: number | null | undefined): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

const positive = (value: number | null | undefined): number | undefined => {
  const found = finite(value);
  return found !== undefined && found > 0 ? found : undefined;
};
