/**
 * show: a number and a unit id become a text, as Grafana writes it.
 *
 * In: the id of the dashboard's JSON, the value, how many decimals (none: as many as say something), the time zone for dates.
 * Out: prefix, text, suffix. Never throws; an id that nobody knows is free text and stands behind the value.
 */
import { formatDate, fromNow } from "./dates";
import { UNITS } from "./units-table";

export interface Formatted {
  text: string;
  prefix?: string;
  suffix?: string;
}

export type Decimals = number | null | undefined;

export interface UnitContext {
  timezone: string;
  /** For `from now` and `no date if today`. */
  nowMs: number;
}

export const joined = (value: Formatted): string => `${value.prefix ?? ""}${value.text}${value.suffix ?? ""}`;

export function formatUnit(unit: string | undefined, value: number | null, decimals?: Decimals, context?: Partial<UnitContext>): Formatted {
  if (value === null) return { text: "" };
  const id = unit === undefined || unit === "" ? "none" : (Object.hasOwn(OLD_NAMES, unit) ? OLD_NAMES[unit]! : unit);
  const special = Object.hasOwn(SPECIAL, id) ? SPECIAL[id] : undefined;
  const whole: UnitContext = { timezone: context?.timezone ?? "browser", nowMs: context?.nowMs ?? Date.now() };
  if (special) return special(value, decimals, whole);
  const known = UNITS.get(id);
  switch (known?.kind) {
    case "plain":
      return fixed(value, decimals, ` ${known.text}`.replace(/^ (%|°)$/, " $1"));
    case "si":
      return si(known.text, known.power, value, decimals);
    case "binary":
      return scaled(1024, BINARY, ` |${known.text}`, known.power, 0, value, decimals);
    case "count":
      return count(known.text, value, decimals);
    case "currency":
      return currency(known.sign, known.behind, value, decimals);
    default:
      return byPrefix(id, value, decimals, whole);
  }
}

/** Whether the unit writes a moment. */
export const isDateUnit = (unit: string | undefined): boolean => unit !== undefined && (unit.startsWith("dateTime") || unit.startsWith("time:"));

/** Names that old dashboards use. */
const OLD_NAMES: Record<string, string> = { us: "µs", farenheit: "fahrenheit", "μs": "µs" };

const SI_PREFIXES = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const SI_ONE = 5;
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SHORT = ["", " K", " Mil", " Bil", " Tri", " Quadr", " Quint", " Sext", " Sept"];
const COUNTS = ["", "K", "M", "B", "T"];

type Writer = (value: number, decimals: Decimals, context: UnitContext) => Formatted;

const SPECIAL: Record<string, Writer> = {
  none: (value, decimals) => ({ text: toFixed(value, decimals) }),
  string: (value) => ({ text: String(value) }),
  short: (value, decimals) => scaled(1000, SHORT, "", 0, 0, value, decimals),
  percent: (value, decimals) => ({ text: toFixed(value, decimals), suffix: "%" }),
  percentunit: (value, decimals) => ({ text: toFixed(value * 100, decimals), suffix: "%" }),
  hex0x: (value, decimals) => ({ text: hex(value, decimals, "0x") }),
  hex: (value, decimals) => ({ text: hex(value, decimals, "") }),
  sci: (value, decimals) => ({ text: Number.isFinite(value) ? value.toExponential(bounded(decimals)) : toFixed(value, decimals) }),
  locale: (value, decimals) => ({ text: value.toLocaleString("en-US", { maximumFractionDigits: bounded(decimals) }) }),
  pressurepsi: (value, decimals) => scaled(1000, ["psi", "ksi", "Mpsi"], "", 0, 0, value, decimals),
  s: seconds,
  ms: (value, decimals) => chain(value, decimals, [[1000, 1, " ms"], [60_000, 1e3, " s"], [3.6e6, 6e4, " min", true], [8.64e7, 3.6e6, " hour", true], [3.1536e10, 8.64e7, " day", true], [Infinity, 3.1536e10, " year", true]]),
  "µs": (value, decimals) => chain(value, decimals, [[1000, 1, " µs"], [1e6, 1e3, " ms"], [Infinity, 1e6, " s"]]),
  ns: nanoseconds,
  m: (value, decimals) => chain(value, decimals, [[60, 1, " min"], [1440, 60, " hour", true], [10_080, 1440, " day", true], [604_800, 10_080, " week", true], [Infinity, 5.25948e5, " year", true]]),
  h: (value, decimals) => chain(value, decimals, [[24, 1, " hour"], [168, 24, " day", true], [8760, 168, " week", true], [Infinity, 8760, " year", true]]),
  d: (value, decimals) => chain(value, decimals, [[7, 1, " day", true], [365, 7, " week", true], [Infinity, 365, " year", true]]),
  timeticks: (value, decimals) => seconds(value / 100, decimals),
  dtdurations: (value, decimals) => words(value * 1000, decimals, "seconds"),
  dtdurationms: (value, decimals) => words(value, decimals, "milliseconds"),
  dthms: (value) => hms(value, false),
  dtdhms: (value) => hms(value, true),
  clockms: (value, decimals) => clock(value, decimals),
  clocks: (value, decimals) => clock(value * 1000, decimals),
  bool: (value) => ({ text: value ? "True" : "False" }),
  bool_yes_no: (value) => ({ text: value ? "Yes" : "No" }),
  bool_on_off: (value) => ({ text: value ? "On" : "Off" }),
  dateTimeAsIso: date("YYYY-MM-DD HH:mm:ss"),
  dateTimeAsIsoNoDateIfToday: date("YYYY-MM-DD HH:mm:ss", "HH:mm:ss"),
  dateTimeAsUS: date("MM/DD/YYYY h:mm:ss a"),
  dateTimeAsUSNoDateIfToday: date("MM/DD/YYYY h:mm:ss a", "h:mm:ss a"),
  dateTimeAsLocal: date("MM/DD/YYYY, hh:mm:ss A"),
  dateTimeAsLocalNoDateIfToday: date("MM/DD/YYYY, hh:mm:ss A", "hh:mm:ss A"),
  dateTimeAsSystem: date("YYYY-MM-DD HH:mm:ss"),
  dateTimeFromNow: (value, _decimals, context) => ({ text: fromNow(value, context.nowMs) }),
};

/** `prefix:`, `suffix:`, `time:`, `si:`, `count:`, `currency:`, `bool:`, and free text. */
function byPrefix(id: string, value: number, decimals: Decimals, context: UnitContext): Formatted {
  const colon = id.indexOf(":");
  if (colon > 0) {
    const rest = id.slice(colon + 1);
    switch (id.slice(0, colon)) {
      case "prefix":
        return { text: toFixed(value, decimals), prefix: rest };
      case "suffix":
        return fixed(value, decimals, rest === "" ? "" : ` ${rest}`);
      case "time":
        return { text: formatDate(value, rest, context.timezone) };
      case "si": {
        const at = rest.length > 1 ? SI_PREFIXES.indexOf(rest[0]!) : -1;
        return at < 0 ? si(rest, 0, value, decimals) : si(rest.slice(1), at - SI_ONE, value, decimals);
      }
      case "count":
        return count(rest, value, decimals);
      case "currency":
        return customCurrency(rest, value, decimals);
      case "bool": {
        const slash = rest.indexOf("/");
        return { text: value ? (slash < 0 ? rest : rest.slice(0, slash)) : slash < 0 ? "-" : rest.slice(slash + 1) };
      }
    }
  }
  return fixed(value, decimals, ` ${id}`);
}

function customCurrency(rest: string, value: number, decimals: Decimals): Formatted {
  const parts = rest.split(":");
  if (parts[0] === "financial" && parts.length > 1) {
    const behind = parts[2] === "suffix";
    const text = value.toLocaleString("en-US", { minimumFractionDigits: bounded(decimals), maximumFractionDigits: bounded(decimals) });
    return { prefix: behind ? "" : parts[1]!, suffix: behind ? parts[1]! : "", text };
  }
  return currency(parts[0]!, parts[1] === "suffix", value, decimals);
}

const bounded = (decimals: Decimals): number | undefined => (decimals === null || decimals === undefined ? undefined : Math.min(20, Math.max(0, decimals)));

/** With as many decimals as asked for, or as say something: 1234.5 -> 1235, 12.34 -> 12.3, 0.00123 -> 0.00123. */
export function toFixed(value: number, decimals?: Decimals): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "-∞";
  const digits = Math.min(20, Math.max(0, decimals ?? decimalsFor(value)));
  if (value === 0) return (0).toFixed(digits);
  const factor = 10 ** digits;
  const text = String(Math.round(value * factor) / factor);
  if (text.includes("e") || value === 0 || digits === 0) return text === "-0" ? "0" : text;
  const dot = text.indexOf(".");
  const has = dot < 0 ? 0 : text.length - dot - 1;
  const padded = has >= digits ? text : (dot < 0 ? `${text}.` : text) + "0".repeat(digits - has);
  return padded;
}

function decimalsFor(value: number): number {
  if (value % 1 === 0) return 0;
  const size = Math.abs(value);
  const power = Math.floor(Math.log(size) / Math.LN10);
  const decimals = -power + 1;
  return Math.max(0, size / 10 ** -decimals > 2.25 ? decimals + 1 : decimals);
}

const fixed = (value: number, decimals: Decimals, suffix: string): Formatted => ({ text: toFixed(value, decimals), suffix });

/** Divides by the step until it is readable; `power` says at which word of `words` the number itself is. `after` may hold ` |unit`: what stands around the word. */
function scaled(step: number, wordsOf: readonly string[], after: string, power: number, zero: number, value: number, decimals: Decimals): Formatted {
  if (!Number.isFinite(value)) return { text: toFixed(value, decimals) };
  const log = value === 0 ? 0 : step === 1000 ? Math.log10(Math.abs(value)) / 3 : Math.log2(Math.abs(value)) / 10;
  const at = Math.max(0, Math.min(wordsOf.length - 1, zero + power + Math.floor(log)));
  const text = toFixed(value / step ** (at - zero - power), decimals);
  const bar = after.indexOf("|");
  const suffix = bar < 0 ? wordsOf[at]! + after : after.slice(0, bar) + wordsOf[at]! + after.slice(bar + 1);
  return { text, suffix };
}

const si = (text: string, power: number, value: number, decimals: Decimals): Formatted => scaled(1000, SI_PREFIXES, ` |${text}`, power, SI_ONE, value, decimals);

function count(text: string, value: number, decimals: Decimals): Formatted {
  const out = scaled(1000, COUNTS, "", 0, 0, value, decimals);
  return { text: out.text, suffix: `${out.suffix ?? ""} ${text}` };
}

function currency(sign: string, behind: boolean, value: number, decimals: Decimals): Formatted {
  const out = scaled(1000, COUNTS, "", 0, 0, Math.abs(value), decimals);
  const minus = value < 0 ? "-" : "";
  return behind ? { prefix: minus, text: out.text, suffix: (out.suffix ?? "") + sign } : { prefix: minus + sign, text: out.text, suffix: out.suffix };
}

function hex(value: number, decimals: Decimals, before: string): string {
  if (!Number.isFinite(value)) return toFixed(value, decimals);
  const text = Number(toFixed(value, decimals)).toString(16).toUpperCase();
  return text.startsWith("-") ? `-${before}${text.slice(1)}` : before + text;
}

/** `[below this size, divided by this, word, in plural above one]`. */
function chain(value: number, decimals: Decimals, steps: [number, number, string, boolean?][]): Formatted {
  const size = Math.abs(value);
  const [, by, word, plural] = steps.find(([below]) => size < below) ?? steps[steps.length - 1]!;
  return sized(value / by, decimals, word, plural);
}

function sized(value: number, decimals: Decimals, word: string, plural?: boolean): Formatted {
  return { text: toFixed(value, decimals), suffix: plural && Math.abs(value) > 1 ? `${word}s` : word };
}

const YEAR_SECONDS = 3.15569e7;

function seconds(value: number, decimals: Decimals): Formatted {
  const size = Math.abs(value);
  if (size === 0) return { text: "0", suffix: " s" };
  if (size < 1e-6) return sized(value * 1e9, decimals, " ns");
  if (size < 1e-3) return sized(value * 1e6, decimals, " µs");
  if (size < 1) return sized(value * 1e3, decimals, " ms");
  if (size < 60) return sized(value, decimals, " s");
  if (size < 3600) return sized(value / 60, decimals, " min", true);
  if (size < 86_400) return sized(value / 3600, decimals, " hour", true);
  if (size < 604_800) return sized(value / 86_400, decimals, " day", true);
  if (size < 31_536_000) return sized(value / 604_800, decimals, " week", true);
  return sized(value / YEAR_SECONDS, decimals, " year", true);
}

function nanoseconds(value: number, decimals: Decimals): Formatted {
  const size = Math.abs(value);
  if (size < 1e3) return sized(value, decimals, " ns");
  if (size < 1e6) return sized(value / 1e3, decimals, " µs");
  if (size < 1e9) return sized(value / 1e6, decimals, " ms");
  if (size < 6e10) return sized(value / 1e9, decimals, " s");
  if (size < 3.6e12) return sized(value / 6e10, decimals, " min", true);
  if (size < 8.64e13) return sized(value / 3.6e12, decimals, " hour", true);
  return sized(value / 8.64e13, decimals, " day", true);
}

const LENGTHS: [string, number][] = [
  ["year", 31_536_000_000],
  ["month", 2_592_000_000],
  ["week", 604_800_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
  ["millisecond", 1],
];

/** `1 day, 2 hours`: decimals is how many words more than one. */
function words(value: number, decimals: Decimals, zero: string): Formatted {
  if (Number.isNaN(value)) return { text: "" };
  if (value === 0) return { text: "0", suffix: ` ${zero}` };
  if (value < 0) return { ...words(-value, decimals, zero), suffix: " ago" };
  const out: string[] = [];
  let left = value;
  let more: number | undefined;
  for (const [word, size] of LENGTHS) {
    const whole = Math.floor(left / size);
    if (whole < 1 && more === undefined) continue;
    if (more === undefined) more = decimals ?? 0;
    else more -= 1;
    if (more < 0) break;
    left -= whole * size;
    out.push(`${whole} ${word}${whole === 1 ? "" : "s"}`);
    if (more === 0) break;
  }
  return { text: out.join(", ") };
}

function hms(value: number, days: boolean): Formatted {
  if (value < 0) return { ...hms(-value, days), suffix: " ago" };
  if (!Number.isFinite(value)) return { text: toFixed(value, 0) };
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  const whole = days ? Math.floor(value / 86_400) : 0;
  const left = value - whole * 86_400;
  const text = `${two(left / 3600)}:${two((left % 3600) / 60)}:${two(left % 60)}`;
  return { text: whole > 0 ? `${whole} d ${text}` : text };
}

/** `26h:03m:04s:000ms`; decimals says how many parts more than the first. */
function clock(ms: number, decimals: Decimals): Formatted {
  if (!Number.isFinite(ms)) return { text: toFixed(ms, 0) };
  ms = Math.trunc(ms);
  const part = (n: number, width: number, unit: string) => String(Math.floor(n)).padStart(width, "0") + unit;
  const within = ((ms % 3_600_000) + 3_600_000) % 3_600_000;
  const [minutes, secondsIn, msIn] = [within / 60_000, (within / 1000) % 60, within % 1000];
  if (ms < 1000) return { text: part(((ms % 1000) + 1000) % 1000, 3, "ms") };
  const all = [part(minutes, 2, "m"), part(secondsIn, 2, "s"), part(msIn, 3, "ms")];
  const parts = ms < 60_000 ? all.slice(1) : ms < 3_600_000 ? all : [part(ms / 3_600_000, ms < 36_000_000 ? 1 : 2, "h"), ...all];
  const keep = decimals === null || decimals === undefined ? parts.length : Math.min(parts.length, decimals + 1);
  return { text: parts.slice(0, keep).join(":") };
}

function date(pattern: string, today?: string): Writer {
  return (value, _decimals, context) => {
    if (!Number.isFinite(value)) return { text: "Invalid date" };
    const day = (ms: number) => formatDate(ms, "YYYY-MM-DD", context.timezone);
    const short = today !== undefined && day(value) === day(context.nowMs);
    return { text: formatDate(value, short ? today : pattern, context.timezone) };
  };
}
