/** show: what stands along an axis of numbers: steps that people count in, texts with as few decimals as tell values apart. Pure. */
import type { Field, FieldConfig } from "../dashboard/model";
import { displayOf, shownText } from "./kit";

/** Texts of an axis: as few decimals as tell its values apart exactly. */
export function axisValues(splits: number[], field: Field, config: FieldConfig): string[] {
  const texts = (decimals: number) => {
    const display = displayOf({ ...field, config: { ...config, decimals, mappings: [] } });
    return splits.map((split) => (split === null ? "" : shownText(display(Math.abs(split) < 1e-12 ? 0 : split))));
  };
  const tries = [0, 1, 2, 3, 4].map(texts);
  const exact = tries[4]!.map(figures);
  const unit = (text: string) => text.replace(/^[^\d]*[\d.,]+/, "");
  // Alike within a unit: 500 B, 1.0 kB, 1.5 kB.
  const enough = new Map<string, number>();
  for (const [at, text] of tries[4]!.entries()) {
    if (splits[at] === 0 || splits[at] === null) continue;
    const decimals = tries.findIndex((one) => figures(one[at]!) === exact[at]);
    enough.set(unit(text), Math.max(enough.get(unit(text)) ?? 0, decimals < 0 ? 4 : decimals));
  }
  return splits.map((split, at) => tries[split === 0 && enough.size > 1 ? 0 : (enough.get(unit(tries[4]![at]!)) ?? 0)]![at]!);
}

/** The number at the head of a text and what follows, so that `1.50 K` and `1.5 K` are alike and `2 K` is not. */
function figures(text: string): string {
  const found = /-?[\d,]*\.?\d+/.exec(text);
  return found ? `${Number(found[0].replaceAll(",", ""))}|${text.slice(found.index + found[0].length)}` : text;
}

/** `1e-5`, not `10 ** -5`, which is a little less and then no step that the chart knows. */
const tens = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => at + from).flatMap((power) => [1, 2, 5].map((step) => Number(`${step}e${power}`)));
const FRACTIONS = tens(-12, -1);
const YEARS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].map((years) => years * 31_536_000);
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 8640000, ...YEARS];

/** Steps that people count in: powers of two for bytes, minutes and hours for seconds. The largest fit any value: an axis without a step that fits is not drawn. */
export function stepsFor(config: FieldConfig): number[] | undefined {
  const unit = config.unit ?? "";
  if (/^(bytes|bits|kbytes|mbytes|gbytes|binBps|binbps|KiBs|MiBs)$/.test(unit)) return [...FRACTIONS, ...Array.from({ length: 90 }, (_, at) => 2 ** at)];
  if (/^(s|dtdurations|clocks)$/.test(unit)) return [...FRACTIONS, ...SECONDS];
  if (/^(ms|dtdurationms|clockms)$/.test(unit)) return [...FRACTIONS, 1, 2, 5, 10, 20, 50, 100, 200, 500, ...SECONDS.map((step) => step * 1000)];
  if (config.decimals === 0) return tens(0, 30);
  return undefined;
}
