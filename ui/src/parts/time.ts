/**
 * show: times and lengths of time as texts. 24 h clock, the browser's time zone. Pure, but for `now`, which ticks while the page is seen.
 *
 * In: RFC 3339 texts or Unix milliseconds. Out: texts for people. Prometheus' `0001-01-01T00:00:00Z` and null are "never".
 */
import { signal, type ReadonlySignal } from "@preact/signals";

export type When = string | number | null | undefined;

/** Unix milliseconds; undefined: never, or no time at all. */
export function millis(when: When): number | undefined {
  if (when === null || when === undefined || when === "") return undefined;
  const at = typeof when === "number" ? when : Date.parse(when);
  return Number.isFinite(at) && at > -60_000_000_000_000 ? at : undefined;
}

/** `14:03:07` */
export function clock(when: When): string {
  const at = millis(when);
  return at === undefined ? "never" : parts(new Date(at)).time;
}

/** `21 Nov 14:03:07`, with the year where it is another one than now's. */
export function dateTime(when: When, nowMs = Date.now()): string {
  const at = millis(when);
  if (at === undefined) return "never";
  const date = new Date(at);
  const year = date.getFullYear() === new Date(nowMs).getFullYear() ? "" : ` ${date.getFullYear()}`;
  const { day, month, time } = parts(date);
  return `${day} ${month}${year} ${time}`;
}

/** Of today only the time, else also the date. */
export function brief(when: When, nowMs = Date.now()): string {
  const at = millis(when);
  if (at === undefined) return "never";
  return new Date(at).toDateString() === new Date(nowMs).toDateString() ? clock(at) : dateTime(at, nowMs);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function parts(date: Date): { day: string; month: string; time: string } {
  const two = (number: number) => String(number).padStart(2, "0");
  return {
    day: String(date.getDate()),
    month: MONTHS[date.getMonth()] ?? "",
    time: `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
  };
}

/** `3 s ago`, `in 2 min`, `now`, `never`. One unit only. */
export function ago(when: When, nowMs: number): string {
  const at = millis(when);
  if (at === undefined) return "never";
  const seconds = (nowMs - at) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  const text = coarse(Math.abs(seconds));
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

const UNITS: [string, number][] = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** The largest unit that fits, rounded down: `3 s`, `2 min`, `5 h`, `12 d`. */
export function coarse(seconds: number): string {
  for (const [name, size] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  return "0 s";
}

/** `1.4 ms`, `350 ms`, `3.2 s`, `2 min 5 s`, `1 d 3 h`: at most two units. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "unknown";
  if (seconds < 0) return `-${duration(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return `${digits(seconds * 1e6)} µs`;
  if (seconds < 1) return `${digits(seconds * 1000)} ms`;
  if (seconds < 60) return `${digits(seconds)} s`;
  const whole = Math.round(seconds);
  for (const [index, [name, size]] of UNITS.entries()) {
    if (whole < size) continue;
    const next = UNITS[index + 1];
    const rest = next ? Math.floor((whole % size) / next[1]) : 0;
    return `${Math.floor(whole / size)} ${name}${rest > 0 && next ? ` ${rest} ${next[0]}` : ""}`;
  }
  return "0 s";
}

/** As configuration files write it: `5m`, `1h30m`, `15d`, `200ms`, `0s`. */
export function promDuration(seconds: number): string {
  let rest = Math.round(seconds * 1000);
  if (rest === 0) return "0s";
  let out = "";
  for (const [name, size] of [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1000], ["ms", 1]] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) out += `${count}${name}`;
    rest -= count * size;
  }
  return out;
}

/** Seconds of such a text (`1h30m`, `90`, `2w`); undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(ms|[smhdwy])\s*)+$/.test(trimmed)) return undefined;
  const sizes: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };
  let seconds = 0;
  for (const [, count, unit] of trimmed.matchAll(/(\d+)(ms|[smhdwy])/g)) seconds += Number(count) * (sizes[unit ?? ""] ?? 0);
  return seconds;
}

/** `0:42`, `5:00`, `1:02:03`: a clock that runs. */
export function stopwatch(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number: number) => String(number).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function digits(value: number): string {
  return String(Number(value.toPrecision(value >= 100 ? 3 : 2)));
}

const ticking = signal(Date.now());
if (typeof document !== "undefined") setInterval(() => document.visibilityState !== "hidden" && (ticking.value = Date.now()), 1000);

/** The time, each second. What reads it is drawn again. */
export const now: ReadonlySignal<number> = ticking;
