/** show: times of silences as people type them: `2026-11-21 18:30` on a 24 h clock (browsers' own field follows the language and may say pm), or `2h`. Pure. */
import { parseDuration } from "../parts/time";

/** Unix milliseconds; undefined when it is neither a time nor a length. `2h` counts from `fromMs`. */
export function parseWhen(text: string, fromMs: number): number | undefined {
  const trimmed = text.trim();
  const found = /^(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(trimmed);
  if (found) {
    const [year, month, day, hour, minute, second] = found.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
    const date = new Date(year, month - 1, day, hour, minute, second);
    const same = date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === day && date.getHours() === hour && minute < 60;
    return same ? date.getTime() : undefined;
  }
  if (/Z$|[+-]\d\d:\d\d$/.test(trimmed)) {
    const at = Date.parse(trimmed);
    return Number.isNaN(at) ? undefined : at;
  }
  const seconds = parseDuration(trimmed);
  return seconds === undefined ? undefined : fromMs + seconds * 1000;
}

/** `2026-11-21 18:30`; seconds where there are some. */
export function writeWhen(ms: number): string {
  const date = new Date(ms);
  const two = (number: number) => String(number).padStart(2, "0");
  const seconds = date.getSeconds() > 0 ? `:${two(date.getSeconds())}` : "";
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}${seconds}`;
}
