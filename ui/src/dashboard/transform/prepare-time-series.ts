/** show: the transformation `prepareTimeSeries`: series in one frame (`wide`), in a frame each (`multi`), or in one long table (`long`). */
import { text } from "../loose";
import type { Field, Frame } from "../model";
import type { Transform } from "./index";
import { compareValues, frameOf, newField, pickRows, timeOf, wide } from "./columns";

export const prepareTimeSeries: Transform = (frames, options) => {
  switch (text(options.format, "wide")) {
    case "multi":
    case "many":
      return frames.flatMap(split);
    case "long":
      return long(frames);
  }
  return wide(frames.flatMap(split));
};

/** A frame for each number column; columns of text become its labels, a frame for each of their values. */
function split(frame: Frame): Frame[] {
  const time = timeOf(frame);
  if (!time) return [];
  const texts = frame.fields.filter((field) => field.type === "string");
  const groups = new Map<string, number[]>();
  for (let row = 0; row < frame.length; row++) {
    const key = JSON.stringify(texts.map((field) => field.values[row]));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const values = frame.fields.filter((field) => field.type === "number");
  return values.flatMap((field) => {
    if (texts.length === 0) return [frameOf([time, field], { name: frame.name, refId: frame.refId, kind: "timeseries-multi" })];
    return [...groups.values()].map((rows) => {
      const labels = Object.fromEntries(texts.map((one) => [one.name, String(one.values[rows[0]!])]));
      return pickRows(frameOf([time, { ...field, labels: { ...field.labels, ...labels } }], { name: frame.name, refId: frame.refId, kind: "timeseries-multi" }), rows);
    });
  });
}

function long(frames: Frame[]): Frame[] {
  const parts = frames.flatMap(split);
  const labels = [...new Set(parts.flatMap((frame) => Object.keys(frame.fields[1]!.labels ?? {})))];
  const rows = parts.flatMap((frame) => frame.fields[0]!.values.map((time, row) => ({ time, field: frame.fields[1]!, value: frame.fields[1]!.values[row] })));
  rows.sort((a, b) => compareValues(a.time, b.time));
  const names = [...new Set(rows.map((row) => row.field.name))];
  const columns: Field[] = names.map((name) => newField(name, "number", rows.map((row) => (row.field.name === name ? row.value : null))));
  return [frameOf([newField("Time", "time", rows.map((row) => row.time)), ...labels.map((label) => newField(label, "string", rows.map((row) => row.field.labels?.[label] ?? null))), ...columns], { kind: "timeseries-long" })];
}
