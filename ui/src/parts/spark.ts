/** show: numbers -> the path of a sparkline. Pure. Gaps stay gaps; the threshold is always inside. */

export interface Drawn {
  line: string;
  last?: [number, number];
  threshold?: number;
}

const EDGE = 3;

/** Undefined when there is no number at all. */
export function sparkPath(values: (number | null)[], times: number[] | undefined, threshold: number | undefined, width: number, height: number): Drawn | undefined {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return undefined;
  const inside = threshold !== undefined && Number.isFinite(threshold) ? [...known, threshold] : known;
  const low = inside.reduce((a, b) => Math.min(a, b));
  const high = inside.reduce((a, b) => Math.max(a, b));
  const y = (value: number) => round(high === low ? height / 2 : height - EDGE - ((value - low) / (high - low)) * (height - 2 * EDGE));
  const at = times && times.length === values.length ? times : values.map((_, index) => index);
  const [from, to] = [at[0] ?? 0, at.at(-1) ?? 0];
  const x = (index: number) => round(to === from ? width / 2 : EDGE + (((at[index] ?? 0) - from) / (to - from)) * (width - 2 * EDGE));
  let line = "";
  let last: [number, number] | undefined;
  let pen = "M";
  for (const [index, value] of values.entries()) {
    if (value === null || !Number.isFinite(value)) {
      pen = "M";
      continue;
    }
    last = [x(index), y(value)];
    line += `${pen}${last[0]} ${last[1]}`;
    pen = "L";
  }
  const drawn: Drawn = { line };
  if (last) drawn.last = last;
  if (threshold !== undefined && Number.isFinite(threshold)) drawn.threshold = y(threshold);
  return drawn;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
