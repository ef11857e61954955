/**
 * show: reads JSON that many versions of many programs wrote. A number may be a string, a list may be missing, a text may be a number.
 *
 * In: anything. Out: the type asked for, or what to take otherwise. Never throws.
 */
export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

export const object = (value: unknown): Json => (isObject(value) ? value : {});

export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const objects = (value: unknown): Json[] => list(value).filter(isObject);

export function text(value: unknown, otherwise = ""): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : otherwise;
}

export function number(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const read = Number(value);
  return Number.isFinite(read) ? read : undefined;
}

export function flag(value: unknown, otherwise = false): boolean {
  if (typeof value === "boolean") return value;
  if (value === "true" || value === 1) return true;
  if (value === "false" || value === 0) return false;
  return otherwise;
}

export const texts = (value: unknown): string[] =>
  list(value)
    .filter((one) => typeof one === "string" || typeof one === "number")
    .map(String);

/** One of the words, or the first. */
export function word<T extends string>(value: unknown, words: readonly [T, ...T[]]): T {
  return (words as readonly unknown[]).includes(value) ? (value as T) : words[0];
}

/** `/pattern/flags`, or a bare pattern, which as in Grafana stands for the whole text unless told otherwise. `undefined` when it is none that JavaScript can run. Bounded: patterns come from files. */
export function pattern(value: string, bare: "whole" | "part" = "whole"): RegExp | undefined {
  if (value.length > 2000) return undefined;
  const parts = /^\/(.*)\/([dgimsuy]*)$/s.exec(value);
  try {
    if (parts) return new RegExp(parts[1]!, parts[2]!.replace(/[gy]/g, ""));
    return new RegExp(bare === "whole" ? `^${value}$` : value);
  } catch {
    return undefined;
  }
}

/** What a table says of a name that came from a file; never what all objects share (`constructor`). */
export const own = <T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined => (table && Object.hasOwn(table, name) ? table[name] : undefined);
