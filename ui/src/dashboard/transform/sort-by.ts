/** show: the transformation `sortBy`: rows in the order of a column. */
import { flag, objects, text } from "../loose";
import type { Transform } from "./index";
import { compareValues, finder, pickRows } from "./columns";

export const sortBy: Transform = (frames, options) => {
  const first = objects(options.sort).find((one) => text(one.field) !== "");
  if (!first) return frames;
  const find = finder(frames);
  const sign = flag(first.desc) ? -1 : 1;
  return frames.map((frame) => {
    const field = find(frame, text(first.field));
    if (!field) return frame;
    const rows = Array.from({ length: frame.length }, (_one, row) => row);
    return pickRows(frame, rows.sort((a, b) => sign * compareValues(field.values[a], field.values[b]) || a - b));
  });
};
