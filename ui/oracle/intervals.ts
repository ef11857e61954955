/** show: the step for a range and a width. */
import { Comparison, Random } from "./compare";
import { grafana } from "./grafana";
import { calculateInterval, durationMs, roundInterval } from "../src/dashboard/interval";
import { parseTime } from "../src/dashboard/range";

export function intervals(seed: number): Comparison {
  const out = new Comparison("intervals and times");
  const random = new Random(seed);
  for (let i = 0; i < 5000; i++) {
    const rangeMs = Math.round(10 ** (random.next() * 8 + 3));
    const points = random.pick([100, 300, 500, 1000, 1920, 11_000]);
    const low = random.pick(["15s", "1s", "30s", "1m", "5m", "1h"]);
    const range = { from: grafana.dateTime(0), to: grafana.dateTime(rangeMs), raw: { from: "0", to: "1" } };
    const theirs = grafana.rangeUtil.calculateInterval(range, points, low).intervalMs;
    out.check("calculateInterval", theirs, calculateInterval(rangeMs, points, durationMs(low)!), () => `${rangeMs} ms over ${points} points, at least ${low}`);
    const ms = 10 ** (random.next() * 11);
    out.check("roundInterval", grafana.rangeUtil.roundInterval(ms), roundInterval(ms), () => String(ms));
  }
  times(out, random);
  return out;
}

const ZONES = ["utc", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];

function times(out: Comparison, random: Random): void {
  for (let i = 0; i < 3000; i++) {
    const nowMs = Date.UTC(2026, 0, 1) + Math.floor(random.next() * 365 * 86_400_000);
    const zone = random.pick(ZONES);
    const unit = () => random.pick(["s", "m", "h", "d", "w", "M", "y", "Q"]);
    const words = `now${random.chance(0.7) ? `-${random.below(40) + 1}${unit()}` : ""}${random.chance(0.5) ? `/${unit()}` : ""}${random.chance(0.2) ? `+${random.below(5) + 1}h` : ""}`;
    const end = random.chance(0.5);
    const real = Date.now;
    Date.now = () => nowMs;
    let theirs: number | undefined;
    try {
      theirs = grafana.dateMath.parse(words, end, zone)?.valueOf();
    } finally {
      Date.now = real;
    }
    // Weeks begin with Sunday in moment's English; here with Monday.
    const week = words.includes("/w") ? "a week begins with Monday" : undefined;
    out.check("now-…", theirs, parseTime(words, nowMs, zone, end), () => `${words} at ${new Date(nowMs).toISOString()} in ${zone}${end ? ", end" : ""}`, week);
  }
}
