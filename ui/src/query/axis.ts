/** show: times under a chart, on a 24 h clock. Pure but for the browser's time zone. */

const two = (part: number) => String(part).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The shortest texts that tell the ticks apart; days are named where they begin. */
export function axisTimes(splits: number[]): string[] {
  const gap = (splits[1] ?? 0) - (splits[0] ?? 0);
  return splits.map((at, index) => {
    const then = new Date(at * 1000);
    const day = `${then.getDate()} ${MONTHS[then.getMonth()]}`;
    if (gap >= 86_400 * 27) return `${MONTHS[then.getMonth()]} ${then.getFullYear()}`;
    if (gap >= 86_400) return day;
    const before = index > 0 ? new Date((splits[index - 1] ?? at) * 1000) : then;
    const time = gap < 60 ? `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}` : `${two(then.getHours())}:${two(then.getMinutes())}`;
    return before.getDate() === then.getDate() ? time : day;
  });
}

/** A moment in full. */
export function moment24(at: number): string {
  const then = new Date(at * 1000);
  return `${then.getDate()} ${MONTHS[then.getMonth()]} ${then.getFullYear()} ${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}`;
}
