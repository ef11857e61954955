/** show: the transformation `labelsToFields`: labels of series become columns (one table of all), or rows of label and value. */
import { text, texts } from "../loose";
import type { Field, Frame } from "../model";
import type { Transform } from "./index";
import { frameOf, newField } from "./columns";
import { merge } from "./merge";

export const labelsToFields: Transform = (frames, options) => {
  const kept = texts(options.keepLabels);
  const wanted = (name: string) => kept.length === 0 || kept.includes(name);
  if (options.mode === "rows") return rows(frames, wanted);
  return merge(frames.map((frame) => columns(frame, text(options.valueLabel), wanted)), {});
};

function columns(frame: Frame, valueLabel: string, wanted: (name: string) => boolean): Frame {
  const labels = new Map<string, string[]>();
  const fields: Field[] = [];
  for (const field of frame.fields) {
    if (!field.labels) {
      fields.push(field);
      continue;
    }
    for (const [name, value] of Object.entries(field.labels)) {
      if (name === valueLabel || !wanted(name)) continue;
      const values = labels.get(name);
      if (values) values.includes(value) || values.push(value);
      else labels.set(name, [value]);
    }
    const { labels: own, ...bare } = field;
    const name = valueLabel !== "" && own[valueLabel] !== undefined ? own[valueLabel]! : field.name;
    fields.push({ ...bare, name, config: { ...field.config, displayName: undefined, displayNameFromDS: undefined } });
  }
  const made = [...labels].map(([name, values]) => newField(name, "string", new Array<string>(frame.length).fill(values.join(", "))));
  const firstValue = fields.findIndex((field) => field.type !== "time");
  const at = firstValue < 0 ? fields.length : firstValue;
  return { ...frameOf([...fields.slice(0, at), ...made, ...fields.slice(at)], { refId: frame.refId, name: undefined }), length: frame.length };
}

function rows(frames: Frame[], wanted: (name: string) => boolean): Frame[] {
  return frames.flatMap((frame) =>
    frame.fields.flatMap((field) => {
      const pairs = Object.entries(field.labels ?? {}).filter(([name]) => wanted(name));
      if (pairs.length === 0) return [];
      return [frameOf([newField("label", "string", pairs.map(([name]) => name)), newField("value", "string", pairs.map(([, value]) => value))], { refId: frame.refId, name: field.config.displayNameFromDS })];
    }),
  );
}
