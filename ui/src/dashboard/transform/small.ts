/** show: transformations of a few lines: `limit`, `concatenate`, `filterByRefId`, `seriesToRows`, `groupingToMatrix`, `rowsToFields`. */
import { number, own, pattern, text } from "../loose";
import type { Field, Frame } from "../model";
import { fieldName } from "../names";
import type { Transform } from "./index";
import { compareValues, finder, frameOf, newField, pickRows, timeOf } from "./columns";

export const limit: Transform = (frames, options) => {
  const most = Math.max(0, number(options.limitField) ?? 10);
  return frames.map((frame) => (frame.length <= most ? frame : pickRows(frame, Array.from({ length: most }, (_one, row) => row))));
};

export const concatenate: Transform = (frames, options) => {
  if (frames.length < 2) return frames;
  const length = Math.max(...frames.map((frame) => frame.length));
  const padded = (values: unknown[]) => (values.length < length ? [...values, ...new Array<null>(length - values.length).fill(null)] : values);
  const named = text(options.frameNameMode, "field");
  const fields = frames.flatMap((frame) =>
    frame.fields.map((field): Field => {
      const values = padded(field.values);
      if (!frame.name || named === "drop") return { ...field, values };
      if (named === "label") return { ...field, values, labels: { ...field.labels, [text(options.frameNameLabel, "frame")]: frame.name } };
      return { ...field, values, name: field.name === "Value" || field.name === "" ? frame.name : `${frame.name} · ${field.name}` };
    }),
  );
  return [frameOf(fields, { kind: "table" })];
};

export const filterByRefId: Transform = (frames, options) => {
  const [include, exclude] = [text(options.include), text(options.exclude)];
  const matches = (written: string, refId: string) => written.split("|").includes(refId) || (pattern(written.startsWith("/") ? written : `^(?:${written})$`)?.test(refId) ?? false);
  return frames.filter((frame) => (include === "" || matches(include, frame.refId ?? "")) && (exclude === "" || !matches(exclude, frame.refId ?? "")));
};

/** Time, metric, value; the newest first. */
export const seriesToRows: Transform = (frames) => {
  if (frames.some((frame) => !timeOf(frame) || !frame.fields.some((field) => field.type === "number") || frame.fields.length > 2)) return frames;
  const rows = frames.flatMap((frame) => {
    const time = timeOf(frame);
    return time ? frame.fields.filter((field) => field !== time).flatMap((field) => field.values.map((value, row) => ({ time: time.values[row], name: fieldName(field, frame, frames), value }))) : [];
  });
  rows.sort((a, b) => compareValues(b.time, a.time));
  return [frameOf([newField("Time", "time", rows.map((row) => row.time)), newField("Metric", "string", rows.map((row) => row.name)), newField("Value", "number", rows.map((row) => row.value))], { kind: "table" })];
};

export const groupingToMatrix: Transform = (frames, options) => {
  const [columnName, rowName, valueName] = [text(options.columnField, "Time"), text(options.rowField, "Time"), text(options.valueField, "Value")];
  const empty = own<null | boolean | number>({ null: null, true: true, false: false, zero: 0 }, text(options.emptyValue));
  if (frames.length !== 1) return frames;
  const frame = frames[0]!;
  const find = finder(frames);
  const [column, row, value] = [find(frame, columnName), find(frame, rowName), find(frame, valueName)];
  if (!column || !row || !value) return frames;
  const rows = [...new Set(row.values)];
  const columns = [...new Set(column.values)];
  const cells = new Map(column.values.map((key, at) => [JSON.stringify([row.values[at], key]), value.values[at]]));
  const cell = (of: unknown, key: unknown) => cells.get(JSON.stringify([of, key])) ?? (empty === undefined ? "" : empty);
  const fields = columns.map((key): Field => ({ ...value, name: String(key), values: rows.map((of) => cell(of, key)) }));
  return [frameOf([{ ...newField(`${rowName}\\${columnName}`, row.type, rows) }, ...fields], { kind: "table" })];
};

/** Each row becomes a column: its first text is the name, its first number the value. */
export const rowsToFields: Transform = (frames) =>
  frames.map((frame: Frame) => {
    const name = frame.fields.find((field) => field.type === "string");
    const value = frame.fields.find((field) => field.type === "number");
    if (!name || !value) return frame;
    return frameOf(value.values.map((one, row) => newField(String(name.values[row]), "number", [one])), { refId: frame.refId, kind: "table" });
  });
