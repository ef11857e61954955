/**
 * show: the single figures that stat, gauge, bargauge and piechart draw. Pure. In: frames and `reduceOptions`. Out: one reading for each series (or each row), with
 * its name, text, colour and the row it came from for a sparkline.
 */
import type { DisplayValue, Field, Frame, PanelData } from "../dashboard/model";
import { colorOf, displayOf, nameOf, record, reduce, strings } from "./kit";
import { timeField } from "./lines";

export interface Reading {
  name: string;
  value: DisplayValue;
  color: string;
  field: Field;
  frame: Frame;
  /** When it is one row of a table. */
  row?: number;
  calc: string;
}

const READINGS_MAX = 500;

export function readingsOf(data: PanelData, options: Record<string, unknown>, timezone: string): Reading[] {
  const reduction = record(options.reduceOptions);
  const each = reduction.values === true;
  const calcs = strings(reduction.calcs);
  const limit = Math.min(READINGS_MAX, each && typeof reduction.limit === "number" ? reduction.limit : READINGS_MAX);
  const wanted = picker(typeof reduction.fields === "string" ? reduction.fields : "");
  const out: Reading[] = [];
  let index = 0;
  for (const frame of data.frames) {
    for (const field of frame.fields) {
      const name = nameOf(field, frame, data.frames);
      if (field.config.custom.hidden === true || record(field.config.custom.hideFrom).viz === true || !wanted(field, name)) continue;
      const at = index++;
      const display = displayOf(field, timezone);
      const add = (value: unknown, title: string, calc: string, row?: number) => {
        if (out.length >= limit) return;
        const shown = display(value);
        out.push({ name: title, value: shown, color: coloured(field, row === undefined ? at : row, title, shown), field, frame, row, calc });
      };
      if (each) {
        const label = frame.fields.find((other) => other.type === "string" && other !== field);
        const several = frame.fields.filter((other) => other.type === "number").length > 1;
        for (let row = 0; row < frame.length && out.length < limit; row++) {
          const own = label ? String(label.values[row] ?? "") : "";
          add(field.values[row], own === "" ? name : several ? `${own} ${name}` : own, "", row);
        }
      } else {
        for (const calc of calcs.length ? calcs : ["lastNotNull"]) add(reduce(calc, field), calcs.length > 1 ? `${name} (${calc})` : name, calc);
      }
    }
  }
  return out;
}

/** Empty: numbers. `/pattern/`: names, texts too. Else one name. */
function picker(fields: string): (field: Field, name: string) => boolean {
  if (fields === "") return (field) => field.type === "number" || field.type === "boolean";
  if (fields.startsWith("/") && fields.lastIndexOf("/") > 0) {
    try {
      const pattern = new RegExp(fields.slice(1, fields.lastIndexOf("/")), fields.slice(fields.lastIndexOf("/") + 1));
      return (field, name) => (field.type !== "time" || fields.includes("ime")) && pattern.test(name);
    } catch {
      return () => false;
    }
  }
  return (field, name) => name === fields || field.name === fields;
}

function coloured(field: Field, index: number, name: string, value: DisplayValue): string {
  const mode = field.config.color?.mode ?? "thresholds";
  if (value.color && !mode.startsWith("palette") && mode !== "shades") return value.color;
  if (mode.startsWith("palette") && mapped(field) && value.color) return value.color;
  return colorOf({ ...field, seriesIndex: index, displayName: name });
}

const mapped = (field: Field): boolean => (field.config.mappings?.length ?? 0) > 0;

/** The series behind a reading: moments and numbers. */
export function sparkOf(reading: Reading): { times: number[]; values: (number | null)[] } | undefined {
  const time = timeField(reading.frame);
  if (!time || reading.row !== undefined || reading.frame.length < 2) return undefined;
  return { times: time.values as number[], values: reading.field.values.map((value) => (typeof value === "number" && Number.isFinite(value) ? value : null)) };
}

/** How many columns make cells nearest to a wanted shape (width over height). */
export function columnsFor(count: number, width: number, height: number, shape: number): number {
  let best = 1;
  let cost = Infinity;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const ratio = width / columns / (height / rows);
    const empty = (columns * rows - count) / count;
    const own = Math.abs(Math.log(ratio / shape)) + empty * 0.6;
    if (own < cost) {
      cost = own;
      best = columns;
    }
  }
  return best;
}
