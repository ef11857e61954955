/** show: words that only alerts need. Pure. */
import { brief, promDuration, stopwatch } from "../parts/time";

/** How far into `for`: `0:42 of 5:00`; below a minute in seconds: `0.4s of 1s`. */
export function clockOf(done: number, whole: number): string {
  const shown = Math.min(Math.max(done, 0), whole);
  if (whole >= 60) return `${stopwatch(shown)} of ${stopwatch(whole)}`;
  return `${Number(shown.toFixed(whole < 10 ? 1 : 0))}s of ${promDuration(whole)}`;
}

/** What a template of an annotation would say, without its braces: for a rule that has no alert now. */
export function isTemplate(text: string): boolean {
  return text.includes("{{");
}

/** The server's sentences say times in UTC; a page says all of its times in the zone of its reader. `at`: when the sentence was made; times without a day are of that day. */
export function localTimes(text: string, at: string): string {
  const day = at.slice(0, 10);
  return text.replace(/\b(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d)(:\d\d)? UTC\b/g, (whole, said: string | undefined, minutes: string, seconds = ":00") => {
    const ms = Date.parse(`${said ?? day}T${minutes}${seconds}Z`);
    return Number.isFinite(ms) ? brief(ms, Date.parse(at)) : whole;
  });
}

/** Pieces of a text: plain, `code` in backticks, and addresses. */
export function pieces(text: string): { kind: "text" | "code" | "url"; text: string }[] {
  const out: { kind: "text" | "code" | "url"; text: string }[] = [];
  let at = 0;
  for (const found of text.matchAll(/`([^`\n]+)`|https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g)) {
    if (found.index > at) out.push({ kind: "text", text: text.slice(at, found.index) });
    out.push(found[1] === undefined ? { kind: "url", text: found[0] } : { kind: "code", text: found[1] });
    at = found.index + found[0].length;
  }
  if (at < text.length) out.push({ kind: "text", text: text.slice(at) });
  return out;
}
