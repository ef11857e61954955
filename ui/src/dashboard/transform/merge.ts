/** show: the transformation `merge`: all frames become one table; rows that agree in the columns that all frames have become one row. */
import type { Field, Frame } from "../model";
import type { Transform } from "./index";
import { frameOf } from "./columns";

type Row = Map<string, unknown>;

export const merge: Transform = (frames) => {
  const kept = frames.filter((frame) => frame.fields.length > 0);
  if (kept.length < 2) return frames;
  const named = kept.map((frame) => frame.fields.map((field) => ({ field, name: field.config.displayName || field.name })));
  const columns = new Map<string, Field>();
  for (const fields of named) for (const { field, name } of fields) if (!columns.has(name)) columns.set(name, field);
  const keys = [...columns.keys()].filter((name) => named.every((fields) => fields.some((one) => one.name === name)));
  const rows = mergedRows(kept, named, keys);
  const fields = [...columns].map(([name, { labels: _labels, ...field }]): Field => {
    return { ...field, values: rows.map((row) => row.get(name) ?? null) };
  });
  return [frameOf(fields, { kind: "table", refId: "merge" })];
};

function mergedRows(frames: Frame[], named: { field: Field; name: string }[][], keys: string[]): Row[] {
  const out: Row[] = [];
  const byKey = new Map<string, Row[]>();
  frames.forEach((frame, at) => {
    for (let i = 0; i < frame.length; i++) {
      const row: Row = new Map(named[at]!.map(({ field, name }) => [name, field.values[i]]));
      const key = JSON.stringify(keys.map((name) => row.get(name) ?? null));
      const same = byKey.get(key) ?? [];
      byKey.set(key, same);
      const fits = same.filter((one) => agree(one, row));
      for (const one of fits) for (const [name, value] of row) one.set(name, value);
      if (fits.length === 0) {
        same.push(row);
        out.push(row);
      }
    }
  });
  return out;
}

const agree = (one: Row, other: Row): boolean => [...other].every(([name, value]) => !one.has(name) || one.get(name) === value);

