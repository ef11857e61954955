/**
 * show: times of charts as text, 24 hours, in the time zone of the dashboard. Pure.
 *
 * In: Unix milliseconds, `browser`, `utc` or a name of the time zone database. Out: `2026-11-21 14:05:09`, or the short form that fits an axis' step.
 */

interface Parts {
  year: string;
  month: string;
  day: string;
  hour: string;
  minute: string;
  second: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The name for `Intl`; undefined is the browser's own. */
export function zoneName(timezone: string): string | undefined {
  if (timezone === "" || timezone === "browser" || timezone === "default") return undefined;
  if (timezone.toLowerCase() === "utc") return "UTC";
  return timezone;
}

function format(timezone: string): Intl.DateTimeFormat {
  let found = formats.get(timezone);
  if (!found) {
    const options: Intl.DateTimeFormatOptions = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    try {
      found = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: zoneName(timezone) });
    } catch {
      found = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: "UTC" });
    }
    formats.set(timezone, found);
  }
  return found;
}

function parts(atMs: number, timezone: string): Parts {
  const out = {} as Record<string, string>;
  for (const part of format(timezone).formatToParts(atMs)) out[part.type] = part.value;
  return out as unknown as Parts;
}

/** `2026-11-21 14:05:09`. */
export function timeText(atMs: number, timezone: string): string {
  if (!Number.isFinite(atMs) || Math.abs(atMs) > 8e15) return String(atMs);
  const { year, month, day, hour, minute, second } = parts(atMs, timezone);
  return `${year}-${month}-${day} ${hour}:${minute}:${second}`;
}

const DAY_MS = 86_400_000;

/** Steps of axes of time. */
export const TIME_STEPS_MS = [1, 5, 10, 50, 100, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000, 7_776_000_000, 31_536_000_000];

/** What an axis says at each of its splits: as short as the step allows, with the date where the day changes. */
export function axisTimes(splits: number[], stepMs: number, timezone: string): string[] {
  let before = "";
  const spread = (splits.at(-1) ?? 0) - (splits[0] ?? 0);
  return splits.map((at) => {
    const { year, month, day, hour, minute, second } = parts(at, timezone);
    if (stepMs >= 360 * DAY_MS) return year;
    if (stepMs >= 28 * DAY_MS) return `${year}-${month}`;
    if (stepMs >= DAY_MS) return `${month}-${day}`;
    const clock = stepMs >= 60_000 ? `${hour}:${minute}` : stepMs >= 1000 ? `${hour}:${minute}:${second}` : `${minute}:${second}.${String(Math.round(at) % 1000).padStart(3, "0")}`;
    const date = `${month}-${day}`;
    const turned = before !== "" && before !== date;
    before = date;
    if (spread > DAY_MS && stepMs < DAY_MS) return `${date} ${clock}`;
    return turned ? `${date} ${clock}` : clock;
  });
}

/** `1h 5m`, at most two words. */
export function spanText(ms: number): string {
  const units: [number, string][] = [[DAY_MS, "d"], [3_600_000, "h"], [60_000, "m"], [1000, "s"], [1, "ms"]];
  let rest = Math.round(Math.abs(ms));
  const out: string[] = [];
  for (const [size, name] of units) {
    const count = Math.floor(rest / size);
    if (count === 0 && (out.length > 0 || size > 1)) {
      if (out.length > 0) break;
      continue;
    }
    out.push(`${count}${name}`);
    rest -= count * size;
    if (out.length === 2) break;
  }
  return out.join(" ");
}

/** A Date whose local parts are those of the time zone, as uPlot wants it to find midnights. */
export function zoned(atMs: number, timezone: string): Date {
  const zone = zoneName(timezone);
  if (zone === undefined) return new Date(atMs);
  const { year, month, day, hour, minute, second } = parts(atMs, timezone);
  return new Date(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), ((atMs % 1000) + 1000) % 1000);
}
