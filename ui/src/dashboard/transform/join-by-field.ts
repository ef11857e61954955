/** show: the transformations `joinByField` and `seriesToColumns`: frames beside each other where a column is equal. */
import { text } from "../loose";
import type { Field, Frame } from "../model";
import type { Transform } from "./index";
import { finder, frameOf, joinFrames, timeOf } from "./columns";

export const joinByField: Transform = (frames, options) => {
  const by = text(options.byField);
  const find = finder(frames);
  const keyed = frames.flatMap((frame) => {
    const key = by === "" ? timeOf(frame) : (find(frame, by) ?? (by === "Time" || by === "time" ? timeOf(frame) : undefined));
    return key ? [{ frame, key }] : [];
  });
  if (keyed.length < 2) return frames;
  const mode = text(options.mode, "outer");
  const joined = mode === "outerTabular" ? tabular(keyed) : joinFrames(keyed, mode === "inner" ? "inner" : "outer");
  return joined ? [joined] : frames;
};

/** Each pair of equal rows, as databases join; rows without a partner stay. */
function tabular(frames: { frame: Frame; key: Field }[]): Frame {
  let [left, ...rest] = frames.map(({ frame, key }) => ({ key, fields: frame.fields, length: frame.length }));
  let out = left!;
  for (const right of rest) {
    const rows: [number | undefined, number | undefined][] = [];
    const used = new Set<number>();
    out.key.values.forEach((value, i) => {
      const matches = right.key.values.flatMap((one, j) => (one === value ? [j] : []));
      matches.forEach((j) => used.add(j));
      if (matches.length === 0) rows.push([i, undefined]);
      for (const j of matches) rows.push([i, j]);
    });
    right.key.values.forEach((_value, j) => void (used.has(j) || rows.push([undefined, j])));
    const at = (values: unknown[], row: number | undefined) => (row === undefined ? null : (values[row] ?? null));
    const key: Field = { ...out.key, values: rows.map(([i, j]) => (i === undefined ? at(right.key.values, j) : at(out.key.values, i))) };
    const fields = [
      ...out.fields.map((field) => (field === out.key ? key : { ...field, values: rows.map(([i]) => at(field.values, i)) })),
      ...right.fields.filter((field) => field !== right.key).map((field) => ({ ...field, values: rows.map(([, j]) => at(field.values, j)) })),
    ];
    out = { key, fields, length: rows.length };
  }
  return frameOf([out.key, ...out.fields.filter((field) => field !== out.key)], { kind: "table" });
}
