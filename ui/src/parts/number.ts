/** show: numbers as texts. Pure. Never makes a number of what is none: that is "unknown". */

const GROUPED = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

/** `1,234`, `0.6314`, `1.23e-7`: four digits that count. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return value === undefined || value === null ? "unknown" : "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return value.toExponential(2).replace(/\.?0+e/, "e");
  if (size >= 1000) return GROUPED.format(value);
  return String(Number(value.toPrecision(4)));
}

/** A count: `12,345`. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? "unknown" : GROUPED.format(value);
}

/** `950`, `12.3 k`, `4.5 M`. */
export function short(value: number | null | undefined): string {
  return scaled(value, 1000, ["", "k", "M", "G", "T"]);
}

/** `512 B`, `1.2 MiB`. */
export function bytes(value: number | null | undefined): string {
  return scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
}

/** `0.636` is `63.6 %`. */
export function percent(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "unknown";
  return `${Number((value * 100).toPrecision(3))} %`;
}

function scaled(value: number | null | undefined, base: number, units: string[]): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "unknown";
  let [rest, unit] = [value, 0];
  while (Math.abs(rest) >= base && unit < units.length - 1) [rest, unit] = [rest / base, unit + 1];
  const text = String(Number(Math.abs(rest) >= 100 ? rest.toFixed(0) : rest.toPrecision(3)));
  return units[unit] ? `${text} ${units[unit]}` : text;
}

/** `1 target`, `3 targets`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
