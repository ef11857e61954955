/**
 * show: what the transformations share: columns by name, rows picked, frames joined at their times.
 */
import type { Field, FieldType, Frame } from "../model";
import { allNames } from "../names";

export const newField = (name: string, type: FieldType, values: unknown[]): Field => ({ name, type, values, config: { custom: {} } });

export const frameOf = (fields: Field[], from?: Partial<Frame>): Frame => ({ ...from, fields, length: fields.reduce((most, field) => Math.max(most, field.values.length), 0) });

/** Columns by the name that people see, or by their own. */
export function finder(frames: Frame[]): (frame: Frame, name: string) => Field | undefined {
  const names = allNames(frames);
  return (frame, name) => frame.fields.find((field) => names.get(field) === name) ?? frame.fields.find((field) => field.name === name);
}

/** A column under another name; what made its old name is kept in the labels only. */
export const renamed = (field: Field, name: string): Field => ({ ...field, config: { ...field.config, displayName: name } });

export function pickRows(frame: Frame, rows: readonly number[]): Frame {
  return { ...frame, length: rows.length, fields: frame.fields.map((field) => ({ ...field, values: rows.map((row) => field.values[row]) })) };
}

export const timeOf = (frame: Frame): Field | undefined => frame.fields.find((field) => field.type === "time");

export function typeOfValues(values: readonly unknown[]): FieldType {
  const first = values.find((value) => value !== null && value !== undefined);
  if (typeof first === "number") return "number";
  if (typeof first === "boolean") return "boolean";
  return typeof first === "string" || first === undefined ? "string" : "other";
}

/** Order of two values of a column; nothing comes first. */
export function compareValues(a: unknown, b: unknown): number {
  const [missingA, missingB] = [a === null || a === undefined, b === null || b === undefined];
  if (missingA || missingB) return missingA && missingB ? 0 : missingA ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Number.isNaN(a) ? -1 : 1;
    return a - b;
  }
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  return collator.compare(String(a), String(b));
}

const collator = new Intl.Collator("en", { sensitivity: "base", numeric: true });

/** One frame, a row for each value of the key columns; what a frame lacks is `null`. `key`: the key column of each frame. */
export function joinFrames(frames: { frame: Frame; key: Field }[]): Frame | undefined {
  const first = frames[0];
  if (!first) return undefined;
  const same = frames.every(({ key }) => key.values.length === first.key.values.length && key.values.every((value, at) => value === first.key.values[at]));
  if (same) return frameOf([first.key, ...frames.flatMap(({ frame, key }) => frame.fields.filter((field) => field !== key).map((field) => withFrameName(field, frame)))], { refId: first.frame.refId });
  const all = [...new Set(frames.flatMap(({ key }) => key.values))];
  if (first.key.type === "time" || first.key.type === "number") all.sort(compareValues);
  const place = new Map(all.map((value, at) => [value, at]));
  const fields: Field[] = [{ ...first.key, values: all }];
  for (const { frame, key } of frames) {
    for (const field of frame.fields) {
      if (field === key) continue;
      const values: unknown[] = new Array<unknown>(all.length).fill(null);
      key.values.forEach((value, row) => {
        const to = place.get(value);
        if (to !== undefined) values[to] = field.values[row] ?? null;
      });
      fields.push({ ...withFrameName(field, frame), values });
    }
  }
  return frameOf(fields, { refId: first.frame.refId, kind: "timeseries-wide" });
}

/** The name of the frame would be lost: it becomes the column's, or a label. */
export function withFrameName(field: Field, frame: Frame): Field {
  const labels = { ...field.labels };
  if (!frame.name) return { ...field, labels };
  if (field.name === "Value") return { ...field, labels, name: frame.name };
  return { ...field, labels: { name: frame.name, ...labels } };
}

/** Several frames of series become one over their times; others stay as they are. */
export function wide(frames: Frame[]): Frame[] {
  const keyed = frames.map((frame) => ({ frame, key: timeOf(frame) }));
  if (frames.length < 2 || keyed.some(({ key }) => key === undefined || key.name !== keyed[0]!.key?.name)) return frames;
  const joined = joinFrames(keyed as { frame: Frame; key: Field }[]);
  return joined ? [joined] : frames;
}
