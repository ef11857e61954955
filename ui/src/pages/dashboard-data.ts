/** show: a panel's data as tables and as CSV. Pure. In: frames. Out: frames with one column of times where all have one; text that a spreadsheet opens without running anything. */
import type { Field, Frame } from "../dashboard/model";
import { nameOf } from "../panels/kit";

/** Series over time side by side; other frames as they are. */
export function asTables(frames: Frame[]): Frame[] {
  const timed = frames.filter((frame) => frame.fields.some((field) => field.type === "time"));
  const plain = timed.length > 1 && timed.length === frames.length && frames.every((frame) => frame.fields.every((field) => field.type === "time" || field.type === "number"));
  if (!plain) return frames;
  const times = [...new Set(timed.flatMap((frame) => timeOf(frame).values as number[]))].sort((a, b) => a - b);
  const row = new Map(times.map((time, at) => [time, at]));
  const fields: Field[] = [{ ...timeOf(timed[0]!), values: times, labels: undefined }];
  for (const frame of timed) {
    const own = timeOf(frame).values as number[];
    for (const field of frame.fields) {
      if (field.type === "time") continue;
      const values = new Array<unknown>(times.length).fill(null);
      for (const [at, time] of own.entries()) values[row.get(time)!] = field.values[at];
      fields.push({ ...field, values, displayName: nameOf(field, frame, frames) });
    }
  }
  return [{ fields, length: times.length }];
}

const timeOf = (frame: Frame): Field => frame.fields.find((field) => field.type === "time")!;

const ROWS_MAX = 200_000;

export function csvOf(frames: Frame[]): string {
  return asTables(frames)
    .map((frame) => {
      const lines = [frame.fields.map((field) => cell(nameOf(field, frame, frames))).join(",")];
      for (let row = 0; row < Math.min(ROWS_MAX, frame.length); row++) lines.push(frame.fields.map((field) => cell(field.type === "time" ? stamp(field.values[row]) : field.values[row])).join(","));
      return lines.join("\r\n");
    })
    .join("\r\n\r\n");
}

const stamp = (value: unknown): unknown => (typeof value === "number" && Math.abs(value) < 8.64e15 ? new Date(value).toISOString() : value);

/** A text that a spreadsheet would take for a formula gets a quote before it. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
