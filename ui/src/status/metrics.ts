/** show: the program's own counters out of its `/metrics`. Pure. Only what a page shows: names, labels as text, numbers; never more than 5,000 lines. */

export interface Own {
  name: string;
  labels: string;
  value: number;
}

const LINES_MAX = 5000;

export function readOwn(text: string): Own[] {
  const out: Own[] = [];
  for (const line of text.split("\n", LINES_MAX)) {
    const found = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line);
    if (!found) continue;
    const [, name = "", labels = "", number = ""] = found;
    const value = number === "+Inf" ? Infinity : number === "-Inf" ? -Infinity : Number(number);
    if (!Number.isNaN(value)) out.push({ name, labels, value });
  }
  return out;
}

/** The sum over all series of a name; undefined when there is none. */
export function total(all: Own[], name: string): number | undefined {
  const values = all.filter((one) => one.name === name).map((one) => one.value);
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
}

/** What was lost, refused or failed: counters whose name says so, also those that are 0. */
export function losses(all: Own[]): Own[] {
  return all.filter((one) => /(dropped|refused|lost|failed|failures|errors|damages|invalid|corruptions|too_old|out_of_order|timeouts|missed|rejected)(_[a-z]+)*_total$/.test(one.name));
}
