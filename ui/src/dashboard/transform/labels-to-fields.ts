/** show: the transformation `labelsToFields`: labels of series become columns beside the value, or rows of label and value. */
import { text, texts } from "../loose";
import type { Field, Frame } from "../model";
import { fieldName } from "../names";
import type { Transform } from "./index";
import { frameOf, newField } from "./columns";

export const labelsToFields: Transform = (frames, options) => {
  const kept = texts(options.keepLabels);
  if (options.mode === "rows") return rows(frames, kept);
  return frames.map((frame) => columns(frame, text(options.valueLabel), (name) => kept.length === 0 || kept.includes(name)));
};

function columns(frame: Frame, valueLabel: string, wanted: (name: string) => boolean): Frame {
  const labels = new Map<string, Set<string>>();
  const fields = frame.fields.map((field): Field => {
    if (!field.labels) return field;
    const { labels: own, ...bare } = field;
    for (const [name, value] of Object.entries(own)) {
      if (name === valueLabel || !wanted(name)) continue;
      const values = labels.get(name);
      if (values) values.add(value);
      else labels.set(name, new Set([value]));
    }
    const name = valueLabel !== "" && wanted(valueLabel) && own[valueLabel] !== undefined ? own[valueLabel] : field.name;
    return { ...bare, name, config: { ...field.config, displayName: undefined, displayNameFromDS: undefined } };
  });
  const made = [...labels].flatMap(([name, values]) => [...values].map((value) => newField(name, "string", new Array<string>(frame.length).fill(value))));
  return { ...frameOf([...fields, ...made], frame), length: frame.length };
}

function rows(frames: Frame[], kept: string[]): Frame[] {
  return frames.flatMap((frame) =>
    frame.fields.flatMap((field) => {
      const names = kept.length > 0 ? kept : Object.keys(field.labels ?? {});
      if (!field.labels || names.length === 0) return [];
      const values = names.map((name) => field.labels?.[name] ?? null);
      return [frameOf([newField("label", "string", names), newField("value", "string", values)], { refId: frame.refId, name: frame.name ?? fieldName(field, frame, frames) })];
    }),
  );
}
