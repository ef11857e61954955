/** show: what columns are called, and what defaults and overrides make of them. */
import { Comparison, Random } from "./compare";
import { copy, seriesFrames, tableFrames } from "./generate";
import { grafana } from "./grafana";
import { applyFieldConfig } from "../src/dashboard/fieldconfig";
import type { FieldConfigSource, Frame } from "../src/dashboard/model";
import { fieldName } from "../src/dashboard/names";

export function names(seed: number): Comparison {
  const out = new Comparison("names, defaults and overrides");
  const random = new Random(seed);
  const registry = standardRegistry();
  for (let i = 0; i < 1500; i++) {
    const frames = random.chance(0.6) ? seriesFrames(random) : tableFrames(random);
    const theirs = copy(frames) as { fields: { config: unknown }[] }[];
    frames.forEach((frame, f) => frame.fields.forEach((_field, c) => out.check("name", grafana.getFieldDisplayName(theirs[f]!.fields[c], theirs[f], theirs), numbered(frames, f, c), () => JSON.stringify(frames))));
    const source = config(random, frames);
    const applied = grafana.applyFieldOverrides({ data: copy(frames), fieldConfig: source, fieldConfigRegistry: registry, replaceVariables: (text: string) => text, theme: grafana.createTheme(), timeZone: "utc" }) as { fields: { config: Record<string, unknown> }[] }[];
    const ours = applyFieldConfig(structuredClone(frames), source as unknown as FieldConfigSource);
    ours.forEach((frame, f) =>
      frame.fields.forEach((field, c) => {
        for (const key of ["unit", "decimals", "min", "max", "noValue", "displayName"] as const) {
          if ((key === "min" || key === "max") && field.type === "number") continue;
          out.check(`config ${key}`, applied[f]!.fields[c]!.config[key] ?? null, field.config[key] ?? null, () => JSON.stringify([source, frames]), renames(source) ? "an override never sees the name that another one gave" : undefined);
        }
      }),
    );
  }
  return out;
}

const renames = (source: { overrides: unknown[] }): boolean => source.overrides.length > 1 && JSON.stringify(source.overrides).includes('"displayName"');

function numbered(frames: Frame[], f: number, c: number): string {
  const made = applyFieldConfig(structuredClone(frames), { defaults: { custom: {} }, overrides: [] });
  return made[f]!.fields[c]!.displayName ?? fieldName(frames[f]!.fields[c]!, frames[f]!, frames);
}

function config(random: Random, frames: Frame[]): { defaults: Record<string, unknown>; overrides: unknown[] } {
  const all = frames.flatMap((frame) => frame.fields.map((field) => fieldName(field, frame, frames)));
  const matcher = () =>
    random.pick([
      { id: "byName", options: random.pick(all) },
      { id: "byRegexp", options: random.pick(["/.*1$/", "series", "/^Val/", "job.*x"]) },
      { id: "byType", options: random.pick(["number", "time", "string"]) },
      { id: "byFrameRefID", options: random.pick(["A", "B", "C"]) },
      { id: "byNames", options: { mode: random.pick(["include", "exclude"]), names: random.some(all) } },
      { id: "byValue", options: { reducer: random.pick(["lastNotNull", "max", "allIsZero"]), op: random.pick(["gt", "lt", "gte", "lte", "eq", "neq"]), value: random.pick([0, 1, 100]) } },
    ]);
  const property = () =>
    random.pick([
      { id: "unit", value: random.pick(["s", "bytes", "none"]) },
      { id: "decimals", value: random.below(4) },
      { id: "displayName", value: "renamed" },
      { id: "min", value: 0 },
      { id: "max", value: 5 },
      { id: "noValue", value: "-" },
    ]);
  return {
    defaults: { custom: {}, ...(random.chance(0.5) ? { unit: "short" } : {}), ...(random.chance(0.3) ? { decimals: 1 } : {}), ...(random.chance(0.2) ? { noValue: "none" } : {}) },
    overrides: Array.from({ length: random.below(4) }, () => ({ matcher: matcher(), properties: Array.from({ length: random.below(2) + 1 }, property) })),
  };
}

/** Grafana's standard options as its own program registers them: value in, value out. */
function standardRegistry(): unknown {
  const ids = ["unit", "min", "max", "decimals", "displayName", "noValue", "thresholds", "mappings", "links", "color", "description"];
  const items = ids.map((id) => ({ id, path: id, name: id, editor: () => null, override: () => null, process: (value: unknown) => value, shouldApply: () => true, settings: {}, isCustom: false }));
  const registry = new grafana.FieldConfigOptionsRegistry(() => items);
  grafana.standardFieldConfigEditorRegistry?.setInit?.(() => items);
  return registry;
}
