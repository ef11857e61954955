/**
 * show: `now-1h/d` becomes a moment. Time ranges of dashboards and of panels that look elsewhere.
 *
 * In: Grafana's words for times, the moment that is now, a time zone. Out: Unix milliseconds; `undefined` for what is no time.
 */
import { momentOf, partsOf } from "./dates";
import type { Dashboard, Panel, Scope } from "./model";

const SIMPLE_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `now`, `now-6h`, `now-1d/d`, `now/w`, RFC 3339, Unix milliseconds. `end`: the end of a rounded unit is meant, not its start. */
export function parseTime(text: string | number, nowMs: number, timezone: string, end = false): number | undefined {
  const found = timeOf(text, nowMs, timezone, end);
  return found !== undefined && found >= YEAR_1_MS && found <= YEAR_9999_MS ? found : undefined;
}

const YEAR_1_MS = -62_135_596_800_000;
const YEAR_9999_MS = 253_402_300_799_999;

function timeOf(text: string | number, nowMs: number, timezone: string, end: boolean): number | undefined {
  if (typeof text === "number") return text;
  const trimmed = text.trim();
  if (/^\d{10,}$/.test(trimmed)) return Number(trimmed);
  if (trimmed.startsWith("now")) return math(trimmed.slice(3), nowMs, timezone, end);
  const bars = trimmed.indexOf("||");
  if (bars > 0) {
    const base = parseTime(trimmed.slice(0, bars), nowMs, timezone);
    return base === undefined ? undefined : math(trimmed.slice(bars + 2), base, timezone, end);
  }
  return absolute(trimmed, timezone);
}

function absolute(text: string, timezone: string): number | undefined {
  const m = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(text);
  if (!m) return undefined;
  const [year, month, day, hour, minute, second] = [m[1], m[2], m[3], m[4] ?? 0, m[5] ?? 0, m[6] ?? 0].map(Number) as [number, number, number, number, number, number];
  const ms = Number((m[7] ?? "").padEnd(3, "0").slice(0, 3)) || 0;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return undefined;
  if (!m[8]) return momentOf({ year, month, day, hour, minute, second, ms }, timezone);
  const wall = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  if (/z/i.test(m[8])) return wall;
  const [sign, digits] = [m[8][0] === "-" ? -1 : 1, m[8].slice(1).replace(":", "")];
  return wall - sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
}

function math(text: string, from: number, timezone: string, end: boolean): number | undefined {
  let at = from;
  let rest = text.replace(/\s/g, "");
  for (let steps = 0; rest !== ""; steps++) {
    const m = /^([-+/])(\d*)(ms|f[Qy]|[smhdwMQy])/.exec(rest);
    if (!m || steps > 20) return undefined;
    const unit = m[3]!.replace(/^f/, "");
    if (m[1] === "/") {
      if (m[2] !== "" && m[2] !== "1") return undefined;
      at = rounded(at, unit, timezone, end);
    } else {
      at = moved(at, (m[1] === "-" ? -1 : 1) * Number(m[2] || 1), unit, timezone);
    }
    rest = rest.slice(m[0].length);
  }
  return at;
}

/** Days and longer are of the calendar: a day may have 23 hours. */
function moved(at: number, by: number, unit: string, timezone: string): number {
  if (SIMPLE_MS[unit]) return at + by * SIMPLE_MS[unit]!;
  const p = partsOf(at, timezone);
  if (unit === "d" || unit === "w") return momentOf({ ...p, day: p.day + by * (unit === "w" ? 7 : 1) }, timezone);
  const months = p.year * 12 + p.month - 1 + by * (unit === "y" ? 12 : unit === "Q" ? 3 : 1);
  const [year, month] = [Math.floor(months / 12), (((months % 12) + 12) % 12) + 1];
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return momentOf({ ...p, year, month, day: Math.min(p.day, days) }, timezone);
}

function rounded(at: number, unit: string, timezone: string, end: boolean): number {
  const p = partsOf(at, timezone);
  const order = ["ms", "s", "m", "h", "d"];
  const size = order.indexOf(unit);
  const zero = { ...p, ms: 0 };
  if (size !== 0) zero.second = size >= 2 || size < 0 ? 0 : zero.second;
  if (size >= 3 || size < 0) zero.minute = 0;
  if (size >= 4 || size < 0) zero.hour = 0;
  if (unit === "w") zero.day -= (p.weekday + 6) % 7;
  if (unit === "M" || unit === "Q" || unit === "y") zero.day = 1;
  if (unit === "Q") zero.month = Math.floor((p.month - 1) / 3) * 3 + 1;
  if (unit === "y") zero.month = 1;
  const start = size >= 0 && size <= 2 ? at - ((at % SIMPLE_MS[unit]!) + SIMPLE_MS[unit]!) % SIMPLE_MS[unit]! : momentOf(zero, timezone);
  return end ? moved(start, 1, unit, timezone) - 1 : start;
}

/** Both ends; the last hour when the words say nothing. */
export function parseRange(raw: { from: string; to: string }, nowMs: number, timezone: string): { fromMs: number; toMs: number } {
  const toMs = parseTime(raw.to, nowMs, timezone, true) ?? nowMs;
  const fromMs = parseTime(raw.from, nowMs, timezone) ?? toMs - 3_600_000;
  return fromMs < toMs ? { fromMs, toMs } : { fromMs: toMs, toMs: Math.max(fromMs, toMs + 1) };
}

/** All that queries depend on; variables are filled in by `resolveVariables`. */
export function scopeOf(dashboard: Dashboard, raw: { from: string; to: string }, timezone: string, nowMs: number, scrapeIntervalMs: number): Scope {
  return { ...parseRange(raw, nowMs, timezone), raw, timezone, nowMs, scrapeIntervalMs, variables: {}, dashboard: { uid: dashboard.uid, title: dashboard.title } };
}

/** The range of a panel with `timeFrom` and `timeShift` (already without variables), and words for its corner. */
export function panelRange(panel: Pick<Panel, "timeFrom" | "timeShift">, scope: Scope): { fromMs: number; toMs: number; said: string } {
  let { fromMs, toMs } = scope;
  const said: string[] = [];
  const relative = scope.raw.from.includes("now");
  if (panel.timeFrom && relative) {
    const words = panel.timeFrom.startsWith("now") ? panel.timeFrom : `now-${panel.timeFrom}`;
    const from = parseTime(words, scope.nowMs, scope.timezone);
    if (from === undefined) said.push(`no range: ${panel.timeFrom}`);
    else {
      [fromMs, toMs] = [from, scope.nowMs];
      said.push(panel.timeFrom.startsWith("now") ? panel.timeFrom : `last ${panel.timeFrom}`);
    }
  }
  if (panel.timeShift) {
    const back = (ms: number) => parseTime(`${ms}||-${panel.timeShift!.replace(/^-/, "")}`, scope.nowMs, scope.timezone);
    const [from, to] = [back(fromMs), back(toMs)];
    if (from === undefined || to === undefined) said.push(`no shift: ${panel.timeShift}`);
    else {
      [fromMs, toMs] = [from, to];
      said.push(`${panel.timeShift} earlier`);
    }
  }
  return { fromMs, toMs, said: said.join(", ") };
}
