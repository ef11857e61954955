/**
 * show: counts what agrees. A difference that is meant has its reason here; any other is a failure and is printed.
 */
export class Comparison {
  private compared = 0;
  private readonly meant = new Map<string, number>();
  private readonly wrong = new Map<string, { count: number; examples: string[] }>();

  constructor(readonly title: string) {}

  /** `reason`: why a difference here is meant. */
  check(group: string, theirs: unknown, ours: unknown, input: () => string, reason?: string): void {
    this.compared++;
    const [a, b] = [text(theirs), text(ours)];
    if (a === b) return;
    if (reason !== undefined) {
      this.meant.set(reason, (this.meant.get(reason) ?? 0) + 1);
      return;
    }
    const entry = this.wrong.get(group) ?? { count: 0, examples: [] };
    entry.count++;
    if (entry.examples.length < 3) entry.examples.push(`${input()}\n      grafana: ${a.slice(0, 600)}\n      ours:    ${b.slice(0, 600)}`);
    this.wrong.set(group, entry);
  }

  /** Prints the sums; whether nothing differs without a reason. */
  report(): boolean {
    const wrong = [...this.wrong.values()].reduce((sum, one) => sum + one.count, 0);
    const meant = [...this.meant.values()].reduce((sum, one) => sum + one, 0);
    console.log(`${this.title}: ${this.compared} compared, ${this.compared - wrong - meant} agree, ${meant} differ on purpose, ${wrong} differ`);
    for (const [reason, count] of this.meant) console.log(`  on purpose: ${reason}: ${count}`);
    for (const [group, { count, examples }] of this.wrong) console.log(`  ${group}: ${count}\n    ${examples.join("\n    ")}`);
    return wrong === 0;
  }
}

/** NaN, infinities and `undefined` are kept apart. Numbers are compared to 9 digits. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_key, one: unknown) => {
    if (one === undefined) return "undefined";
    if (typeof one !== "number") return one;
    if (Number.isFinite(one)) return Object.is(one, -0) ? 0 : Number(one.toPrecision(9));
    return String(one);
  });
}

/** Numbers that look random and are the same each time. */
export class Random {
  constructor(private state: number) {}
  next(): number {
    this.state = (Math.imul(this.state, 1103515245) + 12345) & 0x7fffffff;
    return this.state / 0x80000000;
  }
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
  chance(share: number): boolean {
    return this.next() < share;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
  some<T>(from: readonly T[]): T[] {
    return from.filter(() => this.chance(0.5));
  }
  value(): number {
    return this.chance(0.1) ? 0 : Number(((this.chance(0.2) ? -1 : 1) * 10 ** (this.next() * 8 - 2)).toPrecision(4));
  }
}
