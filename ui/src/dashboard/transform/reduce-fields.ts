/** show: the transformation `reduce`: each column becomes one value; as rows of one table, or in its place. */
import { flag, isObject, texts } from "../loose";
import type { Field, FieldType, Frame } from "../model";
import { matcherOf } from "../fieldconfig";
import { allNames } from "../names";
import { isReducer, reduceField, reducerName } from "../reduce";
import type { Transform } from "./index";
import { frameOf, newField, typeOfValues } from "./columns";

export const reduce: Transform = (frames, options) => {
  const reducers = texts(options.reducers).filter(isReducer);
  if (reducers.length === 0) return options.reducers === undefined ? run(frames, ["max"], options) : [];
  return run(frames, reducers, options);
};

function run(frames: Frame[], reducers: string[], options: Record<string, unknown>): Frame[] {
  const matcher = isObject(options.fields) && typeof options.fields.id === "string" ? matcherOf({ id: options.fields.id, options: options.fields.options }) : undefined;
  const taken = (field: Field, frame: Frame) => (matcher ? matcher(field, frame, frames) : field.type !== "time" || (flag(options.includeTimeField) && options.mode === "reduceFields"));
  return options.mode === "reduceFields" ? inPlace(frames, reducers, taken) : asRows(frames, reducers, taken, flag(options.labelsToFields));
}

function asRows(frames: Frame[], reducers: string[], taken: (field: Field, frame: Frame) => boolean, withLabels: boolean): Frame[] {
  const names = allNames(frames);
  const all = frames.flatMap((frame) => frame.fields.filter((field) => taken(field, frame)));
  if (all.length === 0) return [];
  const labels = withLabels ? [...new Set(all.flatMap((field) => Object.keys(field.labels ?? {})))] : [];
  const shown = (field: Field) => (withLabels ? field.name : (names.get(field) ?? field.name));
  const columns = reducers.map((id) => {
    const values = all.map((field) => reduceField(field, id));
    return newField(reducerName(id), all.every((field) => field.type === "time") && !/count/i.test(id) ? "time" : values.every((value) => value === null) && all.every((field) => field.type === "number") ? "number" : typeOfValues(values), values);
  });
  const labelColumns = labels.map((label) => newField(label, "string", all.map((field) => field.labels?.[label])));
  return [frameOf([newField("Field", "string", all.map(shown)), ...labelColumns, ...columns], { kind: "table" })];
}

function inPlace(frames: Frame[], reducers: string[], taken: (field: Field, frame: Frame) => boolean): Frame[] {
  return frames.flatMap((frame) => {
    const fields = frame.fields.flatMap((field) => {
      if (!taken(field, frame)) return [];
      return reducers.map((id) => {
        const type: FieldType = id === "allValues" || id === "uniqueValues" ? "other" : /^(last|first)/.test(id) ? field.type : "number";
        const one = { ...field, type, values: [reduceField(field, id)] };
        return reducers.length === 1 ? one : { ...one, labels: { ...field.labels, reducer: reducerName(id) } };
      });
    });
    return fields.length === 0 ? [] : [{ ...frameOf(fields, { name: frame.name, refId: frame.refId }), length: 1 }];
  });
}

