/** show: the transformation `convertFieldType`: columns of text become numbers, times, booleans, and back. */
import { formatDate } from "../dates";
import { objects, text } from "../loose";
import type { Field, FieldType } from "../model";
import { parseTime } from "../range";
import type { Transform } from "./index";
import { finder } from "./columns";

export const convertFieldType: Transform = (frames, options) => {
  const find = finder(frames);
  return frames.map((frame) => {
    const fields = [...frame.fields];
    for (const conversion of objects(options.conversions)) {
      const field = find(frame, text(conversion.targetField));
      if (field) fields[frame.fields.indexOf(field)] = converted(field, text(conversion.destinationType));
    }
    return { ...frame, fields };
  });
};

function converted(field: Field, to: string): Field {
  const all = (type: FieldType, convert: (value: unknown) => unknown): Field => ({ ...field, type, values: field.values.map(convert) });
  const missing = (value: unknown) => value === null || value === undefined;
  switch (to) {
    case "number":
      return all("number", (value) => {
        const read = missing(value) || value === "" ? NaN : Number(typeof value === "string" ? value.replace(/,/g, "") : value);
        return Number.isNaN(read) ? null : read;
      });
    case "string":
      return all("string", (value) => (missing(value) ? value : typeof value === "object" ? JSON.stringify(value) : field.type === "time" ? formatDate(Number(value), "YYYY-MM-DD[T]HH:mm:ssZ", "utc") : String(value)));
    case "boolean":
      return all("boolean", (value) => (missing(value) ? value : value !== "false" && value !== "0" && Boolean(value)));
    case "time":
      return all("time", (value) => (missing(value) ? value : (parseTime(typeof value === "number" ? value : String(value), 0, "utc") ?? null)));
    case "other":
    case "json":
      return all("other", (value) => value);
  }
  return field;
}
