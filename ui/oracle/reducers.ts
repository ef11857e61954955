/** show: each reducer over columns with gaps. */
import { Comparison, Random } from "./compare";
import { grafana } from "./grafana";
import { reduceField } from "../src/dashboard/reduce";

export function reducers(seed: number): Comparison {
  const out = new Comparison("reducers");
  const random = new Random(seed);
  const ids: string[] = grafana.fieldReducers.list().map((one: { id: string }) => one.id);
  for (let i = 0; i < 300; i++) {
    const values = Array.from({ length: random.below(12) }, () => (random.chance(0.15) ? null : random.chance(0.05) ? NaN : random.value()));
    for (const id of ids) {
      const field = { name: "Value", type: "number", values, config: {}, state: {} };
      const theirs = grafana.reduceField({ field, reducers: [id] })[id];
      const nan = values.some((value) => Number.isNaN(value));
      out.check(id, theirs, reduceField({ type: "number", values }, id), () => JSON.stringify(values), meant(id, values, nan));
    }
  }
  return out;
}

function meant(id: string, values: (number | null)[], nan: boolean): string | undefined {
  if (nan) return "NaN is passed over like null: one of them must not hide all others";
  if (id === "logmin" && values.every((value) => value === null || value <= 0)) return "the least above zero of nothing above zero";
  if (values.length === 0) return "of an empty column";
  return values.every((value) => value === null) ? `of a column of nulls` : undefined;
}
