/** show: numbers -> the pieces and the path of a small line. Pure. One way for all small lines: of lists, of Why?, behind a stat, in a cell. Gaps stay gaps. */

/** Where it stands along the bottom, and its value; no value is a gap. */
export type Point = readonly [number, number | null | undefined];
export type Run = [number, number][];

/** Pieces of a line: a missing value ends one, and so does a step along the bottom above `gap`. */
export function runsOf(points: Iterable<Point>, gap = Infinity): Run[] {
  const out: Run[] = [];
  let run: Run | undefined;
  for (const [at, value] of points) {
    if (value === null || value === undefined || !Number.isFinite(value)) {
      run = undefined;
      continue;
    }
    if (!run || at - run.at(-1)![0] > gap) out.push((run = []));
    run.push([at, value]);
  }
  return out;
}

/** Each piece cut where it goes beyond a line and comes back, without a hole between the parts. */
export function split(runs: Run[], beyond: (value: number) => boolean): { run: Run; beyond: boolean }[] {
  return runs.flatMap((run) => {
    const out: { run: Run; beyond: boolean }[] = [];
    for (const point of run) {
      const side = beyond(point[1]);
      const before = out.at(-1);
      if (before) before.run.push(point);
      if (before?.beyond !== side) out.push({ run: [point], beyond: side });
    }
    return out;
  });
}

/** Lowest and highest; undefined: no number at all. */
export function endsOf(runs: Run[]): [number, number] | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (const run of runs) for (const [, value] of run) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [low, high] : undefined;
}

/** For the `d` of a path. A piece of one point is a dot. */
export function pathOf(run: Run, x: (at: number) => number, y: (value: number) => number): string {
  const dot = run.length === 1 ? "h.01" : "";
  return run.map(([at, value], index) => `${index === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("") + dot;
}
