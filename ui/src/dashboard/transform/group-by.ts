/** show: the transformation `groupBy`: rows that are equal in some columns become one, the others are reduced. */
import { isObject, object, texts } from "../loose";
import type { Field, FieldType, Frame } from "../model";
import { allNames } from "../names";
import { reduceField } from "../reduce";
import type { Transform } from "./index";
import { frameOf, newField } from "./columns";

export const groupBy: Transform = (frames, options) => {
  const rules = object(options.fields);
  const named = (name: string): Record<string, unknown> | undefined => (isObject(rules[name]) ? (rules[name] as Record<string, unknown>) : undefined);
  if (!Object.values(rules).some((one) => object(one).operation === "groupby")) return frames;
  const names = allNames(frames);
  const rule = (field: Field) => named(names.get(field)!) ?? named(field.name) ?? {};
  return frames.flatMap((frame) => {
    const keys = frame.fields.filter((field) => rule(field).operation === "groupby");
    return keys.length === 0 ? [] : [grouped(frame, keys, (field) => (rule(field).operation === "aggregate" ? texts(rule(field).aggregations) : []), (field) => (frames.length === 1 ? names.get(field)! : field.config.displayName || field.name))];
  });
};

function typeAfter(id: string, type: FieldType): FieldType {
  if (/count$/i.test(id) || id === "countAll") return "number";
  return id === "allIsNull" || id === "allIsZero" ? "boolean" : type;
}

function grouped(frame: Frame, keys: Field[], aggregations: (field: Field) => string[], name: (field: Field) => string): Frame {
  const groups = new Map<string, number[]>();
  for (let row = 0; row < frame.length; row++) {
    const key = JSON.stringify(keys.map((field) => field.values[row] ?? null));
    const rows = groups.get(key);
    if (rows) rows.push(row);
    else groups.set(key, [row]);
  }
  const rows = [...groups.values()];
  const fields: Field[] = keys.map(({ labels: _labels, ...field }) => ({ ...field, values: rows.map((group) => field.values[group[0]!]) }));
  for (const field of frame.fields) {
    if (keys.includes(field)) continue;
    for (const id of aggregations(field)) {
      const values = rows.map((group) => reduceField({ type: field.type, values: group.map((row) => field.values[row]) }, id));
      fields.push(newField(`${name(field)} (${id})`, typeAfter(id, field.type), values));
    }
  }
  return { ...frameOf(fields, { refId: frame.refId, kind: "table" }), length: rows.length };
}
