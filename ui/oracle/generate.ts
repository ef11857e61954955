/** show: frames as Prometheus' answers give them, and tables, made of random numbers. */
import type { Random } from "./compare";
import type { Field, Frame } from "../src/dashboard/model";

export function seriesFrames(random: Random): Frame[] {
  const count = random.below(4) + 1;
  const labelNames = random.pick([["job"], ["job", "instance"], ["job", "code", "instance"], []]);
  const legend = random.chance(0.5);
  const start = 1_700_000_000_000;
  return Array.from({ length: count }, (_one, at): Frame => {
    const labels = Object.fromEntries(labelNames.map((name) => [name, `${name}-${random.chance(0.3) ? "x" : at}`]));
    const times = Array.from({ length: random.below(5) + 1 }, (_t, i) => start + i * 15_000).filter(() => random.chance(0.9));
    const name = legend ? `series ${at}` : undefined;
    const value: Field = { name: "Value", type: "number", labels, values: times.map(() => (random.chance(0.05) ? null : random.value())), config: { custom: {}, ...(name ? { displayNameFromDS: name } : {}) } };
    return { name, refId: random.chance(0.5) ? "A" : "B", length: times.length, fields: [{ name: "Time", type: "time", values: times, config: { custom: {} } }, value] };
  });
}

/** One table for each refId, as `format: table` gives them. */
export function tableFrames(random: Random): Frame[] {
  const count = random.below(3) + 1;
  return Array.from({ length: count }, (_one, at): Frame => {
    const refId = "ABC"[at]!;
    const rows = random.below(5) + 1;
    const column = (name: string, type: Field["type"], values: unknown[]): Field => ({ name, type, values, config: { custom: {} } });
    const ids = Array.from({ length: rows }, (_r, i) => i);
    const fields = [
      column("Time", "time", ids.map(() => 1_700_000_000_000)),
      column("instance", "string", ids.map((i) => `host-${i}`)),
      ...(random.chance(0.6) ? [column("job", "string", ids.map(() => random.pick(["a", "b"])))] : []),
      column(count > 1 ? `Value #${refId}` : "Value", "number", ids.map(() => random.value())),
    ];
    return { refId, length: rows, fields };
  });
}

/** A deep copy in which nothing is shared, with the state that Grafana keeps. */
export function copy(frames: Frame[]): unknown[] {
  return frames.map((frame) => ({ ...frame, fields: frame.fields.map((field) => ({ ...field, labels: field.labels && { ...field.labels }, values: [...field.values], config: { ...field.config }, state: {} })) }));
}
