/** show: the transformation `groupBy`: rows that are equal in some columns become one, the others are reduced. */
import { isObject, object, texts } from "../loose";
import type { Field, Frame } from "../model";
import { allNames } from "../names";
import { reduceField } from "../reduce";
import type { Transform } from "./index";
import { frameOf, newField, typeOfValues } from "./columns";

export const groupBy: Transform = (frames, options) => {
  const rules = object(options.fields);
  const rule = (name: string): Record<string, unknown> => (isObject(rules[name]) ? (rules[name] as Record<string, unknown>) : {});
  if (!Object.values(rules).some((one) => object(one).operation === "groupby")) return frames;
  const names = allNames(frames);
  return frames.flatMap((frame) => {
    const keys = frame.fields.filter((field) => rule(names.get(field)!).operation === "groupby");
    return keys.length === 0 ? [] : [grouped(frame, keys, (field) => (rule(names.get(field)!).operation === "aggregate" ? texts(rule(names.get(field)!).aggregations) : []), names)];
  });
};

function grouped(frame: Frame, keys: Field[], aggregations: (field: Field) => string[], names: Map<Field, string>): Frame {
  const groups = new Map<string, number[]>();
  for (let row = 0; row < frame.length; row++) {
    const key = JSON.stringify(keys.map((field) => field.values[row] ?? null));
    const rows = groups.get(key);
    if (rows) rows.push(row);
    else groups.set(key, [row]);
  }
  const rows = [...groups.values()];
  const fields: Field[] = keys.map((field) => ({ ...field, config: { ...field.config }, values: rows.map((group) => field.values[group[0]!]) }));
  for (const field of frame.fields) {
    if (keys.includes(field)) continue;
    for (const id of aggregations(field)) {
      const values = rows.map((group) => reduceField({ type: field.type, values: group.map((row) => field.values[row]) }, id));
      const kept = field.type === "time" || ["last", "lastNotNull", "first", "firstNotNull", "min", "max"].includes(id);
      const made = newField(`${names.get(field)} (${id})`, kept ? field.type : typeOfValues(values), values);
      fields.push(kept || made.type === "number" ? { ...made, config: { ...field.config, displayName: undefined, displayNameFromDS: undefined } } : made);
    }
  }
  return { ...frameOf(fields, { refId: frame.refId, kind: "table" }), length: rows.length };
}
