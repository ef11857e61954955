/** show: every unit id of Grafana with many values and decimals. */
import { Comparison, Random } from "./compare";
import { grafana } from "./grafana";
import { formatUnit, joined } from "../src/dashboard/units";

const MORE = ["", "foo", "/ sec", "documents/s", "prefix:x", "suffix:x", "si:mF", "si:F", "si:µg/s", "currency:€", "currency:financial:€", "currency:financial:€:suffix", "count:hits", "bool:a/b", "time:YYYY-MM-DD HH:mm", "time:ddd D MMM YY, h:mm:ss A"];
const VALUES = [
  0, 1, -1, 0.5, 0.1, 0.3, 2.25, 2.5, 9.99, 12.5, 59.99, 60, 61, 99.5, 999, 999.5, 1000, 1001, 1024, 1234.5678, 3599.9, 3600, 86399, 86400, 93784, 604800, 999999, 1e6, 2628000, 31536000, 1e9, 123456789012, 1e12, 1e15, 1e18, 1e21,
  1e-3, 1e-4, 0.00123, 1e-6, 1e-7, 1e-9, 1e-12, -0.5, -1234.5678, -93784, 1.7e12, NaN, Infinity, -Infinity,
];

export function units(seed: number): Comparison {
  const out = new Comparison("units");
  const random = new Random(seed);
  const ids: string[] = [...grafana.getValueFormats().flatMap((group: { submenu: { value: string }[] }) => group.submenu.map((one) => one.value)), ...MORE];
  const values = [...VALUES, ...Array.from({ length: 60 }, () => (random.chance(0.2) ? -1 : 1) * 10 ** (random.next() * 20 - 8))];
  for (const id of ids) {
    for (const value of values) {
      for (const decimals of [undefined, 0, 1, 2, 5]) {
        const nowMs = Date.now();
        const theirs = grafana.formattedValueToString(grafana.getValueFormat(id)(value, decimals, undefined, "utc")).replace(/\u202f/g, " ");
        const ours = joined(formatUnit(id, value, decimals, { timezone: "utc", nowMs }));
        out.check(id, theirs, ours, () => `${value} with ${decimals} decimals`, meant(id, value, theirs));
      }
    }
  }
  return out;
}

function meant(id: string, value: number, theirs: string): string | undefined {
  if (Number.isNaN(value)) return "NaN is written NaN, without digits behind it or a missing unit";
  if (theirs.includes("Infinity") || !Number.isFinite(value)) return "an infinity is written ∞";
  if (theirs.includes("undefined") || theirs.includes("Invalid date") || theirs.includes("NaN")) return "where Grafana writes undefined, NaN or Invalid date";
  if (id.startsWith("dtduration") && Math.abs(value) > 1e17) return "beyond what a number tells exactly";
  if (id.startsWith("currency:financial")) return "currency:financial: digits behind the point when none are asked for";
  if (id.startsWith("dateTime") && Math.abs(value) > 8e15) return "beyond what a date can be";
  return undefined;
}
