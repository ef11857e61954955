/** show: the transformations `joinByField` and `seriesToColumns`: frames beside each other where a column is equal. */
import { text } from "../loose";
import type { Field, Frame } from "../model";
import type { Transform } from "./index";
import { finder, frameOf, joinFrames, timeOf, withFrameName } from "./columns";

export const joinByField: Transform = (frames, options) => {
  const by = text(options.byField);
  const find = finder(frames);
  const keyed = frames.flatMap((frame) => {
    const key = by === "" ? timeOf(frame) : (find(frame, by) ?? (by === "Time" || by === "time" ? timeOf(frame) : undefined));
    return key ? [{ frame, key }] : [];
  });
  if (frames.length < 2 || keyed.length === 0) return frames;
  const mode = text(options.mode, "outer");
  const joined = mode === "outer" ? joinFrames(keyed) : pairs(keyed, mode === "outerTabular");
  return joined ? [joined] : frames;
};

/** A join never makes more rows than this. */
const ROWS_MAX = 100_000;

/** Each pair of equal rows, as databases join; `outer`: rows without a partner stay. */
function pairs(frames: { frame: Frame; key: Field }[], outer: boolean): Frame {
  const [left, ...rest] = frames.map(({ frame, key }) => ({ key, fields: frame.fields.map((field) => (field === key ? key : withFrameName(field, frame))) }));
  let out = left!;
  for (const right of rest) {
    const rows = matched(out.key.values, right.key.values, outer);
    const at = (values: unknown[], row: number | undefined) => (row === undefined ? null : (values[row] ?? null));
    const key: Field = { ...out.key, values: rows.map(([i, j]) => (i === undefined ? at(right.key.values, j) : at(out.key.values, i))) };
    const fields = [
      ...out.fields.map((field) => (field === out.key ? key : { ...field, values: rows.map(([i]) => at(field.values, i)) })),
      ...right.fields.filter((field) => field !== right.key).map((field) => ({ ...field, values: rows.map(([, j]) => at(field.values, j)) })),
    ];
    out = { key, fields };
  }
  return frameOf([out.key, ...out.fields.filter((field) => field !== out.key)], { kind: "table" });
}

function matched(left: unknown[], right: unknown[], outer: boolean): [number | undefined, number | undefined][] {
  const places = new Map<unknown, number[]>();
  right.forEach((value, j) => void places.set(value, [...(places.get(value) ?? []), j]));
  const rows: [number | undefined, number | undefined][] = [];
  const used = new Set<number>();
  left.forEach((value, i) => {
    const matches = places.get(value) ?? [];
    for (const j of matches) {
      used.add(j);
      if (rows.length < ROWS_MAX) rows.push([i, j]);
    }
    if (matches.length === 0 && outer) rows.push([i, undefined]);
  });
  if (outer) right.forEach((_value, j) => void (used.has(j) || rows.push([undefined, j])));
  return rows;
}
