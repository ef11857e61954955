/** show: each transformation over random frames with random options. */
import { Comparison, Random } from "./compare";
import { copy, seriesFrames, tableFrames } from "./generate";
import { grafana, rxjs } from "./grafana";
import { allNames, fieldName } from "../src/dashboard/names";
import { object } from "../src/dashboard/loose";
import type { Frame } from "../src/dashboard/model";
import { transform } from "../src/dashboard/transform";

type Options = Record<string, unknown>;
type Make = (random: Random, frames: Frame[], names: string[]) => Options;

const REDUCERS = ["lastNotNull", "mean", "max", "min", "sum", "count", "first", "range", "diff"];

const CASES: Record<string, Make> = {
  organize: (random, _frames, names) => ({
    excludeByName: Object.fromEntries(random.some(names).map((name) => [name, random.chance(0.7)])),
    indexByName: random.chance(0.5) ? Object.fromEntries(names.map((name, at) => [name, names.length - at])) : {},
    renameByName: Object.fromEntries(random.some(names).map((name) => [name, random.chance(0.8) ? `new ${name}` : ""])),
  }),
  merge: () => ({}),
  joinByField: (random) => ({ byField: random.pick(["Time", undefined, "instance"]), mode: random.pick(["outer", "inner"]) }),
  calculateField: (random, frames, names) => {
    const numbers = names.filter((name) => /Value|series|[{-]/.test(name));
    const common = { alias: random.chance(0.5) ? "made" : "", replaceFields: random.chance(0.2) };
    if (random.chance(0.5)) return { mode: "reduceRow", reduce: { reducer: random.pick(REDUCERS), include: random.chance(0.5) ? random.some(numbers) : [] }, ...common };
    if (random.chance(0.3)) return { mode: "unary", unary: { operator: random.pick(["abs", "floor", "ceil", "round"]), fieldName: random.pick(numbers) ?? "x" }, ...common };
    const left = random.pick(numbers) ?? "x";
    const newer = random.chance(0.5);
    const side = (name: string) => (newer ? (/^\d/.test(name) ? { fixed: name } : { matcher: { id: "byName", options: name } }) : name);
    return { mode: "binary", binary: { left: side(left), operator: random.pick(["+", "-", "*", "/"]), right: side(random.chance(0.5) ? "100" : (random.pick(numbers) ?? "2")) }, ...common, unused: frames.length };
  },
  groupBy: (random, _frames, names) => ({
    fields: Object.fromEntries(names.map((name) => [name, random.chance(0.3) ? { operation: "groupby", aggregations: [] } : random.chance(0.5) ? { operation: "aggregate", aggregations: random.some(REDUCERS.slice(0, 6)) } : {}])),
  }),
  renameByRegex: (random) => random.pick([{ regex: "series (.*)", renamePattern: "s$1" }, { regex: "/(.)a/g", renamePattern: "$1_" }, { regex: "Value #(.)", renamePattern: "$1" }, { regex: ".*job=\"([^\"]*)\".*", renamePattern: "$1" }]),
  filterFieldsByName: (random, _frames, names) => random.pick([{ include: { names: random.some(names) } }, { include: { pattern: "/Time|1/" } }, { exclude: { names: random.some(names) } }, { exclude: { pattern: "/^Val/" } }]),
  reduce: (random) => ({ reducers: [...new Set([random.pick(REDUCERS), random.pick(REDUCERS)])], mode: random.pick(["seriesToRows", "reduceFields"]), includeTimeField: random.chance(0.2), labelsToFields: random.chance(0.3) }),
  labelsToFields: (random) => random.pick([{}, { valueLabel: "job" }, { mode: "rows" }, { keepLabels: ["job"] }]),
  sortBy: (random, _frames, names) => ({ fields: {}, sort: [{ field: random.pick(names), desc: random.chance(0.5) }] }),
  filterByValue: (random, _frames, names) => ({
    type: random.pick(["include", "exclude"]),
    match: random.pick(["any", "all"]),
    filters: Array.from({ length: random.below(2) + 1 }, () => ({
      fieldName: random.pick(names),
      config: random.pick([{ id: "greater", options: { value: 10 } }, { id: "lowerOrEqual", options: { value: 100 } }, { id: "isNotNull", options: {} }, { id: "isNull", options: {} }, { id: "between", options: { from: 0, to: 1000 } }, { id: "equal", options: { value: "a" } }, { id: "regex", options: { value: "host-[12]" } }, { id: "notEqual", options: { value: "host-1" } }]),
    })),
  }),
  convertFieldType: (random, _frames, names) => ({ conversions: [{ targetField: random.pick(names), destinationType: random.pick(["string", "number", "boolean"]) }] }),
  seriesToRows: () => ({}),
  concatenate: (random) => ({ frameNameMode: random.pick(["field", "label", "drop"]), frameNameLabel: "frame" }),
  limit: (random) => ({ limitField: random.below(5) }),
  filterByRefId: (random) => ({ include: random.pick(["A", "B", "A|B"]) }),
};

const TRANSFORMERS = new Map<string, { id: string; operator: (options: unknown, context: unknown) => unknown }>(Object.values(grafana.standardTransformers as Record<string, { id: string; operator: never }>).map((one) => [one.id, one]));

export async function transformations(seed: number): Promise<Comparison> {
  const out = new Comparison("transformations");
  for (const [id, make] of Object.entries(CASES)) {
    const random = new Random(seed + id.length);
    for (let i = 0; i < 300; i++) {
      const frames = random.chance(0.5) ? seriesFrames(random) : tableFrames(random);
      const names = [...new Set(frames.flatMap((frame) => frame.fields.map((field) => fieldName(field, frame, frames))))];
      const options = make(random, frames, names);
      const input = () => `${JSON.stringify(options)} on ${frames.map((frame) => `[${frame.refId}|${frame.fields.map((field) => `${fieldName(field, frame, frames)}=${JSON.stringify(field.values)}${field.labels ? JSON.stringify(field.labels) : ""}`).join("; ")}]`).join(" ")}`;
      const theirs = await theirsOf(id, options, copy(frames));
      if (theirs === undefined) continue;
      const ours = transform(structuredClone(frames), [{ id, options, disabled: false }]).frames;
      for (const frame of theirs) for (const field of frame.fields) (field as { state?: unknown }).state = {};
      out.check(id, shape(theirs, (field, frame, all) => grafana.getFieldDisplayName(field, frame, all)), oursShape(ours), input, meant(id, options, frames));
    }
  }
  return out;
}

/** Where ours does otherwise, and why. */
function meant(id: string, options: Options, frames: Frame[]): string | undefined {
  const fields = frames.flatMap((frame) => frame.fields);
  const gaps = fields.some((field) => field.values.includes(null));
  const words = fields.some((field) => field.type === "string");
  const empty = frames.some((frame) => frame.length === 0);
  const uneven = new Set(frames.map((frame) => JSON.stringify(frame.fields[0]!.values))).size > 1;
  if (id === "groupBy" && frames.length > 1 && !words) return "groupBy: a column's legend names it also when there are several frames";
  if (id === "groupBy" && frames.length > 0 && empty) return "groupBy: of frames without rows";
  if (id === "sortBy" && gaps) return "sortBy: nothing comes before every number, not among them as if it were 0";
  if (id === "filterByValue" && gaps) return "filterByValue: nothing is neither greater nor less than a number";
  if (id === "convertFieldType" && words) return "convertFieldType: a text that becomes text gets no quotes";
  if ((id === "reduce" || id === "groupBy") && words) return `${id}: a column of words has no sum`;
  if (id === "reduce" && empty) return "reduce: a series without points keeps its row";
  if (id === "convertFieldType" && gaps) return "convertFieldType: nothing does not become false";
  if (id === "calculateField" && (gaps || uneven) && object(options.reduce).reducer === "count") return "calculateField: nothing is not counted";
  if (id === "calculateField" && options.mode === "binary" && gaps) return "calculateField: with nothing nothing is calculated, it is not 0";
  if (id === "calculateField" && options.mode !== "reduceRow") return "calculateField: a column is also found by its own name when several have it";
  if (id === "seriesToRows" && empty) return "seriesToRows: of series without points";
  if (id === "seriesToRows" && words) return "seriesToRows: tables with words stay tables";
  if (id === "joinByField" && options.byField === "instance" && !words) return "joinByField: when no frame has the column they stay as they are";
  return undefined;
}

async function theirsOf(id: string, options: unknown, frames: unknown[]): Promise<Frame[] | undefined> {
  const one = TRANSFORMERS.get(id);
  if (!one) throw new Error(`no transformation ${id} in @grafana/data`);
  try {
    return await new Promise<Frame[]>((resolve, reject) => {
      const subscribe = rxjs.of(frames).pipe(one.operator(options, { interpolate: (text: string) => text })).subscribe as (next: unknown) => void;
      subscribe.call(rxjs.of(frames).pipe(one.operator(options, { interpolate: (text: string) => text })), { next: resolve, error: reject } as never);
    });
  } catch {
    return undefined;
  }
}

function oursShape(frames: Frame[]): unknown {
  const names = allNames(frames);
  return shape(frames, (field) => names.get(field) ?? field.name);
}

function shape(frames: Frame[], name: (field: Frame["fields"][number], frame: Frame, frames: Frame[]) => string): unknown {
  return frames.map((frame) => frame.fields.map((field) => [name(field, frame, frames), field.type, Array.from(field.values, (value) => (Number.isNaN(value) ? null : (value ?? null)))]));
}
