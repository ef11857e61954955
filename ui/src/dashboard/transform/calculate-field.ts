/** show: the transformation `calculateField`: a new column out of others, row by row. */
import { flag, isObject, number, object, text, texts } from "../loose";
import type { Field, Frame } from "../model";
import { allNames } from "../names";
import { matcherOf } from "../fieldconfig";
import { reduceField, reducerName } from "../reduce";
import type { Transform } from "./index";
import { finder, frameOf, newField, timeOf, wide } from "./columns";

export const calculateField: Transform = (frames, options) => {
  const mode = text(options.mode, "reduceRow");
  const right = object(options.binary).right;
  const fixed = mode === "binary" && number(isObject(right) ? right.fixed : right) !== undefined;
  const all = options.timeSeries === false || fixed ? frames : wide(frames);
  return all.flatMap((frame) => {
    const made = make(mode, frame, all, options);
    if (!made) return flag(options.replaceFields) ? [] : [frame];
    const alias = text(options.alias);
    const fields = Array.isArray(made) ? made : [alias === "" ? made : { ...made, name: alias, config: { ...made.config, displayName: alias } }];
    if (!flag(options.replaceFields)) return [frameOf([...frame.fields, ...fields], frame)];
    const time = options.timeSeries === false ? undefined : timeOf(frame);
    return [frameOf([...(time ? [time] : []), ...fields], frame)];
  });
};

function make(mode: string, frame: Frame, frames: Frame[], options: Record<string, unknown>): Field | Field[] | undefined {
  switch (mode) {
    case "reduceRow":
      return reduceRow(frame, frames, object(options.reduce));
    case "binary":
      return binary(frame, frames, object(options.binary));
    case "unary":
      return unary(frame, frames, object(options.unary));
    case "cumulativeFunctions":
      return cumulative(frame, frames, object(options.cumulative));
    case "windowFunctions":
      return windowed(frame, frames, object(options.window));
    case "index": {
      const share = flag(object(options.index).asPercentile);
      const values = Array.from({ length: frame.length }, (_one, at) => (share ? at / Math.max(1, frame.length - 1) : at));
      return { ...newField("Row", "number", values), config: { custom: {}, ...(share ? { unit: "percentunit" } : {}) } };
    }
  }
  return undefined;
}

function numbers(frame: Frame, frames: Frame[], include: unknown): Field[] {
  const names = allNames(frames);
  const wanted = texts(include);
  return frame.fields.filter((field) => field.type === "number" && (wanted.length === 0 || wanted.includes(names.get(field) ?? "") || wanted.includes(field.name)));
}

function reduceRow(frame: Frame, frames: Frame[], options: Record<string, unknown>): Field | undefined {
  const fields = numbers(frame, frames, options.include);
  if (fields.length === 0) return undefined;
  const id = text(options.reducer, "sum");
  const values = Array.from({ length: frame.length }, (_one, row) => reduceField({ type: "number", values: fields.map((field) => field.values[row]) }, id));
  return newField(reducerName(id), "number", values);
}

type Side = { values: (row: number) => unknown; name: string };

/** A column by name, a number, or Grafana's newer `{matcher}` and `{fixed}`. */
function side(value: unknown, frame: Frame, frames: Frame[]): Side | undefined {
  if (isObject(value)) {
    if (value.fixed !== undefined && value.fixed !== "") return side(value.fixed, frame, frames);
    const matcher = object(value.matcher);
    if (matcher.id === "byName") return side(matcher.options, frame, frames);
    const match = matcherOf({ id: text(matcher.id), options: matcher.options });
    const field = frame.fields.find((one) => match(one, frame, frames));
    return field && columnSide(field, frames);
  }
  const name = text(value);
  const field = finder(frames)(frame, name);
  if (field) return columnSide(field, frames);
  const fixed = number(value);
  return fixed === undefined ? undefined : { values: () => fixed, name };
}

const columnSide = (field: Field, frames: Frame[]): Side => ({ values: (row) => field.values[row], name: allNames(frames).get(field) ?? field.name });

const BINARY: Record<string, (a: number, b: number) => number> = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "%": (a, b) => a % b, "**": (a, b) => a ** b };

function binary(frame: Frame, frames: Frame[], options: Record<string, unknown>): Field | Field[] | undefined {
  const operator = text(options.operator, "+");
  const calculate = Object.hasOwn(BINARY, operator) ? BINARY[operator] : undefined;
  const right = side(options.right, frame, frames);
  if (!calculate || !right) return undefined;
  const compute = (left: Side) => Array.from({ length: frame.length }, (_one, row) => withNumbers(left.values(row), right.values(row), calculate));
  const matcher = isObject(options.left) ? object(options.left.matcher) : {};
  if (matcher.id === "byType") {
    const fields = frame.fields.filter((field) => field.type === matcher.options);
    return fields.map((field) => ({ ...field, name: `${field.name} ${operator} ${right.name}`, values: compute(columnSide(field, frames)) }));
  }
  const left = side(options.left, frame, frames);
  return left && newField(`${left.name} ${operator} ${right.name}`, "number", compute(left));
}

/** With nothing nothing is calculated. */
function withNumbers(a: unknown, b: unknown, calculate: (a: number, b: number) => number): number | null {
  return a === null || a === undefined || b === null || b === undefined ? null : calculate(Number(a), Number(b));
}

const UNARY: Record<string, (a: number) => number> = { abs: Math.abs, exp: Math.exp, ln: Math.log, floor: Math.floor, ceil: Math.ceil, round: Math.round };

function unary(frame: Frame, frames: Frame[], options: Record<string, unknown>): Field | undefined {
  const operator = text(options.operator, "abs");
  const calculate = Object.hasOwn(UNARY, operator) ? UNARY[operator] : undefined;
  const field = finder(frames)(frame, text(options.fieldName));
  if (!calculate || !field) return undefined;
  return newField(`${operator}(${allNames(frames).get(field) ?? field.name})`, "number", field.values.map((value) => (value === null || value === undefined ? null : calculate(Number(value)))));
}

function cumulative(frame: Frame, frames: Frame[], options: Record<string, unknown>): Field | undefined {
  const field = finder(frames)(frame, text(options.field));
  if (!field) return undefined;
  const id = text(options.reducer, "sum");
  let [sum, count] = [0, 0];
  const values = field.values.map((value) => {
    const size = Number(value ?? 0);
    if (value !== null && value !== undefined && !Number.isNaN(size)) count++;
    sum += Number.isNaN(size) ? 0 : size;
    return id === "mean" ? sum / Math.max(1, count) : sum;
  });
  return newField(`cumulative ${id}(${allNames(frames).get(field)})`, "number", values);
}

function windowed(frame: Frame, frames: Frame[], options: Record<string, unknown>): Field | undefined {
  const field = finder(frames)(frame, text(options.field));
  if (!field) return undefined;
  const id = text(options.reducer, "mean");
  const share = number(options.windowSize) ?? 0.1;
  const size = Math.max(1, options.windowSizeMode === "fixed" ? Math.floor(share) : Math.ceil(share * frame.length));
  const centered = options.windowAlignment !== "trailing";
  const before = centered ? Math.floor(size / 2) : size - 1;
  const after = centered ? Math.floor((size - 1) / 2) : 0;
  const values = field.values.map((_value, row) => reduceField({ type: "number", values: field.values.slice(Math.max(0, row - before), row + after + 1) }, id));
  return newField(`${centered ? "centered" : "trailing"} moving ${id}(${allNames(frames).get(field)})`, "number", values);
}
