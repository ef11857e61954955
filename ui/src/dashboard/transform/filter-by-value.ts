/** show: the transformation `filterByValue`: keeps or drops rows by what stands in them. */
import { number, object, objects, pattern, text } from "../loose";
import type { Transform } from "./index";
import { finder, pickRows } from "./columns";

type Test = (value: unknown) => boolean;

export const filterByValue: Transform = (frames, options) => {
  const filters = objects(options.filters);
  const [include, all] = [text(options.type, "include") !== "exclude", text(options.match, "any") === "all"];
  if (filters.length === 0) return frames;
  const find = finder(frames);
  return frames.map((frame) => {
    // A frame without the column has no row that matches.
    const tests = filters.map((filter) => {
      const field = find(frame, text(filter.fieldName));
      const test = testOf(object(filter.config));
      return field && test ? (row: number) => test(field.values[row]) : () => false;
    });
    const rows = Array.from({ length: frame.length }, (_one, row) => row);
    return pickRows(frame, rows.filter((row) => (all ? tests.every((test) => test(row)) : tests.some((test) => test(row))) === include));
  });
};

function testOf(config: Record<string, unknown>): Test | undefined {
  const options = object(config.options);
  const wanted = options.value;
  const size = number(wanted);
  const sized = (check: (value: number, than: number) => boolean): Test => (value) => size !== undefined && isNumber(value) && check(Number(value), size);
  switch (config.id) {
    case "isNull":
      return (value) => value === null || value === undefined;
    case "isNotNull":
      return (value) => value !== null && value !== undefined;
    case "greater":
      return sized((a, b) => a > b);
    case "greaterOrEqual":
      return sized((a, b) => a >= b);
    case "lower":
      return sized((a, b) => a < b);
    case "lowerOrEqual":
      return sized((a, b) => a <= b);
    case "equal":
      return (value) => String(value) === text(wanted) || (size !== undefined && isNumber(value) && Number(value) === size);
    case "notEqual":
      return (value) => !(String(value) === text(wanted) || (size !== undefined && isNumber(value) && Number(value) === size));
    case "between": {
      const [from, to] = [number(options.from) ?? -Infinity, number(options.to) ?? Infinity];
      return (value) => isNumber(value) && Number(value) > from && Number(value) < to;
    }
    case "regex": {
      const regexp = pattern(text(wanted), "part");
      return (value) => value !== null && value !== undefined && (regexp?.test(String(value)) ?? false);
    }
    case "substring":
      return (value) => String(value).toLowerCase().includes(text(wanted).toLowerCase());
    case "notSubstring":
      return (value) => !String(value).toLowerCase().includes(text(wanted).toLowerCase());
  }
  return undefined;
}

const isNumber = (value: unknown): boolean => (typeof value === "number" && !Number.isNaN(value)) || (typeof value === "string" && value !== "" && !Number.isNaN(Number(value)));
