/** show: values as text and colour: units, decimals, mappings, thresholds, colour modes. */
import { Comparison, Random } from "./compare";
import { grafana } from "./grafana";
import { channels } from "../src/dashboard/colors";
import { displayOf } from "../src/dashboard/display";
import { named } from "../src/dashboard/fieldconfig";
import type { Field, Theme } from "../src/dashboard/model";
import { readDefaults } from "../src/dashboard/read-config";

export function displays(seed: number): Comparison {
  const out = new Comparison("displayed values");
  const random = new Random(seed);
  const themes = { dark: grafana.createTheme({ colors: { mode: "dark" } }), light: grafana.createTheme({ colors: { mode: "light" } }) };
  for (let i = 0; i < 1500; i++) {
    const config = configOf(random);
    // Its continuous scales keep the colours of the first theme that asks, so they are compared in one.
    const mode: Theme = random.chance(0.5) || config.color?.mode.startsWith("continuous") ? "dark" : "light";
    const type = random.pick(["number", "number", "number", "string", "boolean", "time"] as const);
    const values = Array.from({ length: 6 }, () => valueOf(random, type));
    const index = random.below(70);
    const field: Field = { name: "Value", type, values, config: readDefaults(config) };
    named([{ fields: [field], length: values.length }]);
    field.seriesIndex = index;
    const theirField = { name: "Value", type, values, config: { ...config }, state: { seriesIndex: index, range: field.range && { ...field.range, delta: field.range.max - field.range.min } } };
    const theirs = grafana.getDisplayProcessor({ field: theirField, theme: themes[mode], timeZone: "utc" });
    const ours = displayOf(field, mode, "utc");
    for (const value of values) {
      const [a, b] = [theirs(value), ours(value)];
      const input = () => JSON.stringify({ value, type, config, mode, index });
      out.check("text", [a.prefix ?? "", a.text, a.suffix ?? ""].join(""), [b.prefix ?? "", b.text, b.suffix ?? ""].join(""), input, meantText(value));
      out.check("numeric", a.numeric ?? NaN, b.numeric, input, type === "boolean" || value === null || value === "" ? "only told to our own drawing" : undefined);
      if (config.color?.mode === "shades") continue;
      if (type !== "number") continue;
      out.check(`color ${config.color?.mode}`, near(a.color), near(b.color), input, near2(a.color, b.color));
    }
  }
  return out;
}

function valueOf(random: Random, type: string): unknown {
  if (random.chance(0.1)) return null;
  switch (type) {
    case "string":
      return random.pick(["up", "12", "", "1.5", "a b"]);
    case "boolean":
      return random.chance(0.5);
    case "time":
      return 1_700_000_000_000 + random.below(100_000_000);
  }
  return random.chance(0.05) ? NaN : random.value();
}

interface Config {
  color?: { mode: string; fixedColor?: string };
  [key: string]: unknown;
}

function configOf(random: Random): Config {
  const out: Config = {};
  if (random.chance(0.7)) out.unit = random.pick(["short", "bytes", "percent", "percentunit", "s", "none", "reqps", "foo", "ms"]);
  if (random.chance(0.4)) out.decimals = random.below(4);
  if (random.chance(0.2)) out.noValue = "nothing";
  if (random.chance(0.5)) Object.assign(out, { min: 0, max: random.pick([1, 100, 10_000]) });
  {
    const steps = [{ value: -Infinity, color: "green" }, { value: random.pick([0.5, 10]), color: "#EAB839" }, { value: random.pick([80, 1000]), color: "dark-red" }];
    out.thresholds = { mode: random.pick(["absolute", "percentage"]), steps: steps.slice(0, random.below(3) + 1) };
  }
  if (random.chance(0.5)) out.mappings = [mapping(random), mapping(random)];
  out.color = { mode: random.pick(["thresholds", "fixed", "palette-classic", "continuous-GrYlRd", "continuous-blues", "continuous-BlPu", "shades"]), fixedColor: random.pick(["red", "#123456", "light-blue"]) };
  return out;
}

function mapping(random: Random): unknown {
  const result = { ...(random.chance(0.8) ? { text: "said" } : {}), ...(random.chance(0.5) ? { color: "purple" } : {}), index: 0 };
  return random.pick([
    { type: "value", options: { "0": result, up: { text: "UP" }, true: { text: "yes" } } },
    { type: "range", options: { from: random.pick([0, null]), to: random.pick([10, null]), result } },
    { type: "special", options: { match: random.pick(["null", "nan", "null+nan", "empty", "true"]), result } },
    { type: "regex", options: { pattern: "/^(u)(p)$/", result: { text: "$2$1" } } },
  ]);
}

function meantText(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isNaN(value)) return "NaN is written NaN, without digits behind it or a missing unit";
  return undefined;
}

const near = (color: string | undefined): string => (color === undefined ? "none" : channels(color).join(","));

/** Mixed colours may differ by a shade. */
function near2(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined;
  const [one, other] = [channels(a), channels(b)];
  return one.every((value, i) => Math.abs(value - other[i]!) <= 12) ? "continuous scales: by at most 12 of 255" : undefined;
}
