/**
 * show: what can be written behind a `$` in a query of a panel: its dashboard's variables and Grafana's macros.
 *
 * In: a panel and the scope it is drawn in. Out: names with what they stand for now, in the order in which they are offered. Nothing is asked of the server.
 */
import type { Panel, Scope } from "./model";

export interface Offered {
  /** Without `$`. */
  name: string;
  /** What it stands for now. */
  now: string;
  about: string;
  /** A length of time: fits between `[` and `]`. */
  duration: boolean;
}

/** What a line of the list can hold. */
const SHOWN_MAX = 60;

const MACROS: Omit<Offered, "now">[] = [
  { name: "__rate_interval", about: "wide enough for rate() and increase() to see samples even when one scrape failed", duration: true },
  { name: "__interval", about: "the time from one point to the next", duration: true },
  { name: "__range", about: "the whole range that is shown", duration: true },
  { name: "__range_s", about: "the whole range in seconds", duration: false },
  { name: "__range_ms", about: "the whole range in milliseconds", duration: false },
  { name: "__interval_ms", about: "the time from one point to the next in milliseconds", duration: false },
  { name: "__rate_interval_ms", about: "$__rate_interval in milliseconds", duration: false },
  { name: "__from", about: "where the range begins, in milliseconds since 1970", duration: false },
  { name: "__to", about: "where the range ends, in milliseconds since 1970", duration: false },
];

/** `macros`: what the macros were in the panel's last request, as far as it is known. */
export function offeredIn(scope: Scope, panel: Pick<Panel, "scoped">, macros: Readonly<Record<string, string>> = {}): Offered[] {
  const variables = Object.values(scope.variables).filter(({ variable }) => variable.type !== "adhoc" && variable.type !== "datasource");
  return [
    ...variables.map(({ variable, current }) => {
      const { text } = panel.scoped?.[variable.name] ?? current;
      const now = Array.isArray(text) ? text.join(", ") : text;
      return { name: variable.name, now: cut(now), about: [variable.label !== variable.name ? variable.label : "", variable.description].filter(Boolean).join(": "), duration: variable.type === "interval" };
    }),
    ...MACROS.map((macro) => ({ ...macro, now: cut(macros[macro.name] ?? "") })),
  ];
}

const cut = (text: string): string => (text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text);
