/**
 * show: moments in a time zone: their parts, their text by a pattern, and back. 24 hours unless a pattern says otherwise.
 *
 * Time zones: `browser` (or empty), `utc`, or a name of the time zone database; an unknown name is taken as the browser's.
 */
export interface Parts {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
  /** 0: Sunday. */
  weekday: number;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** The zone's name for Intl; `undefined` is the browser's. */
export function zoneName(timezone: string): string | undefined {
  if (timezone === "" || timezone === "browser") return undefined;
  return timezone.toLowerCase() === "utc" ? "UTC" : timezone;
}

function formatter(timezone: string): Intl.DateTimeFormat {
  const known = formatters.get(timezone);
  if (known) return known;
  const options: Intl.DateTimeFormatOptions = {
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    era: "short",
    hourCycle: "h23",
    timeZone: zoneName(timezone),
  };
  let made: Intl.DateTimeFormat;
  try {
    made = new Intl.DateTimeFormat("en-US", options);
  } catch {
    made = new Intl.DateTimeFormat("en-US", { ...options, timeZone: undefined });
  }
  formatters.set(timezone, made);
  return made;
}

export function partsOf(ms: number, timezone: string): Parts {
  // What no date can be has parts that are no numbers; formatToParts would throw.
  if (zoneName(timezone) === "UTC" || !(Math.abs(ms) <= 8.64e15)) return fromUtc(ms);
  const found: Record<string, string> = {};
  for (const part of formatter(timezone).formatToParts(ms)) found[part.type] = part.value;
  const year = found.era === "BC" ? 1 - Number(found.year) : Number(found.year);
  const [month, day] = [Number(found.month), Number(found.day)];
  const within = ((ms % 1000) + 1000) % 1000;
  const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
  return { year, month, day, hour: Number(found.hour), minute: Number(found.minute), second: Number(found.second), ms: within, weekday };
}

function fromUtc(ms: number): Parts {
  const date = new Date(ms);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    ms: date.getUTCMilliseconds(),
    weekday: date.getUTCDay(),
  };
}

/** How far the zone is before UTC at this moment, in milliseconds. */
export function offsetMs(ms: number, timezone: string): number {
  const p = partsOf(ms, timezone);
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second, p.ms) - ms;
}

/** The moment at which a clock in the zone shows this. In the hour that a change of summer time leaves out: an hour later. */
export function momentOf(parts: Omit<Parts, "weekday">, timezone: string): number {
  const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second, parts.ms);
  const first = wall - offsetMs(wall, timezone);
  const second = wall - offsetMs(first, timezone);
  return second;
}

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** By a pattern as dashboards write it: `YYYY-MM-DD HH:mm:ss`, `[text]` stands for itself. */
export function formatDate(ms: number, pattern: string, timezone: string): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return "Invalid date";
  const p = partsOf(ms, timezone);
  const two = (n: number) => String(n).padStart(2, "0");
  const hour12 = p.hour % 12 === 0 ? 12 : p.hour % 12;
  const tokens: Record<string, () => string> = {
    YYYY: () => String(p.year).padStart(4, "0"),
    YY: () => two(p.year % 100),
    MMMM: () => MONTHS[p.month - 1]!,
    MMM: () => MONTHS[p.month - 1]!.slice(0, 3),
    MM: () => two(p.month),
    M: () => String(p.month),
    DD: () => two(p.day),
    D: () => String(p.day),
    Do: () => ordinal(p.day),
    dddd: () => DAYS[p.weekday]!,
    ddd: () => DAYS[p.weekday]!.slice(0, 3),
    dd: () => DAYS[p.weekday]!.slice(0, 2),
    d: () => String(p.weekday),
    HH: () => two(p.hour),
    H: () => String(p.hour),
    hh: () => two(hour12),
    h: () => String(hour12),
    mm: () => two(p.minute),
    m: () => String(p.minute),
    ss: () => two(p.second),
    s: () => String(p.second),
    SSS: () => String(p.ms).padStart(3, "0"),
    A: () => (p.hour < 12 ? "AM" : "PM"),
    a: () => (p.hour < 12 ? "am" : "pm"),
    X: () => String(Math.floor(ms / 1000)),
    x: () => String(ms),
    Z: () => zoneText(ms, timezone, ":"),
    ZZ: () => zoneText(ms, timezone, ""),
    L: () => `${two(p.month)}/${two(p.day)}/${String(p.year).padStart(4, "0")}`,
  };
  return pattern.replace(/\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|Do|D|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|SSS|A|a|X|x|ZZ|Z|L/g, (token, literal?: string) =>
    literal !== undefined ? literal : (tokens[token]?.() ?? token),
  );
}

function ordinal(n: number): string {
  const last = n % 10;
  const teen = Math.floor(n / 10) % 10 === 1;
  return `${n}${!teen && last >= 1 && last <= 3 ? ["st", "nd", "rd"][last - 1] : "th"}`;
}

function zoneText(ms: number, timezone: string, between: string): string {
  const minutes = Math.round(offsetMs(ms, timezone) / 60_000);
  const [sign, size] = [minutes < 0 ? "-" : "+", Math.abs(minutes)];
  return `${sign}${String(Math.floor(size / 60)).padStart(2, "0")}${between}${String(size % 60).padStart(2, "0")}`;
}

/** `2 minutes ago`, `in 3 hours`. */
export function fromNow(ms: number, nowMs: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return "Invalid date";
  const seconds = Math.round(Math.abs(ms - nowMs) / 1000);
  const [minutes, hours, days] = [Math.round(seconds / 60), Math.round(seconds / 3600), Math.round(seconds / 86_400)];
  const [months, years] = [Math.round(days / 30.4368), Math.round(days / 365.2425)];
  let size = "";
  if (seconds < 45) size = "a few seconds";
  else if (minutes <= 1) size = "a minute";
  else if (minutes < 45) size = `${minutes} minutes`;
  else if (hours <= 1) size = "an hour";
  else if (hours < 22) size = `${hours} hours`;
  else if (days <= 1) size = "a day";
  else if (days < 26) size = `${days} days`;
  else if (months <= 1) size = "a month";
  else if (months < 11) size = `${months} months`;
  else if (years <= 1) size = "a year";
  else size = `${years} years`;
  return ms > nowMs ? `in ${size}` : `${size} ago`;
}
