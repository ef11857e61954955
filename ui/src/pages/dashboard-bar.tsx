/** show: the range of a dashboard: quick and absolute ranges, earlier, later, wider, refresh, time zone. Everything goes into the address, by Grafana's names. */
import { useState } from "preact/hooks";

import { parseTime } from "../dashboard/range";
import type { Scope } from "../dashboard/model";
import { timeText } from "../panels/times";
import { setQuery } from "../router";
import { Popover } from "./popover";

const QUICK: [string, string, string][] = [
  ["now-5m", "now", "Last 5 minutes"],
  ["now-15m", "now", "Last 15 minutes"],
  ["now-30m", "now", "Last 30 minutes"],
  ["now-1h", "now", "Last hour"],
  ["now-3h", "now", "Last 3 hours"],
  ["now-6h", "now", "Last 6 hours"],
  ["now-12h", "now", "Last 12 hours"],
  ["now-24h", "now", "Last 24 hours"],
  ["now-2d", "now", "Last 2 days"],
  ["now-7d", "now", "Last 7 days"],
  ["now-30d", "now", "Last 30 days"],
  ["now-90d", "now", "Last 90 days"],
  ["now-1y", "now", "Last year"],
  ["now/d", "now", "Today so far"],
  ["now-1d/d", "now-1d/d", "Yesterday"],
  ["now/w", "now", "This week so far"],
];
const REFRESHES = ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h"];
const ZONES = ["browser", "utc"];

export function setRange(fromMs: number, toMs: number): void {
  setQuery({ from: String(Math.round(fromMs)), to: String(Math.round(Math.max(toMs, fromMs + 1000))) }, "push");
}

export function rangeText(raw: { from: string; to: string }, timezone: string): string {
  const known = QUICK.find(([from, to]) => from === raw.from && to === raw.to);
  if (known) return known[2];
  const words = /^now-(\d+)([smhdwMy])$/.exec(raw.from);
  if (words && raw.to === "now") return `Last ${words[1]} ${{ s: "seconds", m: "minutes", h: "hours", d: "days", w: "weeks", M: "months", y: "years" }[words[2]!]}`;
  const text = (value: string) => (value.startsWith("now") ? value : timeText(parseTime(value, Date.now(), timezone) ?? NaN, timezone));
  return `${text(raw.from)} to ${text(raw.to)}`;
}

interface Props {
  raw: { from: string; to: string };
  timezone: string;
  /** Of the dashboard, as a choice beside the browser's and UTC. */
  ownZone: string;
  refresh: string;
  scope?: Scope;
  refreshNow: () => void;
  working: boolean;
}

export function TimeBar({ raw, timezone, ownZone, refresh, scope, refreshNow, working }: Props) {
  const span = scope ? scope.toMs - scope.fromMs : 0;
  const shift = (by: number) => scope && setRange(scope.fromMs + span * by, scope.toMs + span * by);
  return (
    <div class="time-bar" role="group" aria-label="Time range">
      <button type="button" title="Earlier" aria-label="Earlier" onClick={() => shift(-0.5)}>
        ‹
      </button>
      <Popover label={<span>{rangeText(raw, timezone)}</span>} title={`Time range: ${rangeText(raw, timezone)}`} wide>
        {(close) => <Ranges raw={raw} timezone={timezone} ownZone={ownZone} scope={scope} close={close} />}
      </Popover>
      <button type="button" title="Later" aria-label="Later" onClick={() => shift(0.5)}>
        ›
      </button>
      <button type="button" title="Twice as wide" aria-label="Zoom out" onClick={() => scope && setRange(scope.fromMs - span / 2, scope.toMs + span / 2)}>
        −
      </button>
      <button type="button" class={working ? "refresh working" : "refresh"} title="Refresh now" aria-label="Refresh now" onClick={refreshNow}>
        ↻
      </button>
      <select aria-label="Refresh by itself" title="Refresh by itself" value={refresh || "off"} onChange={(event) => setQuery({ refresh: event.currentTarget.value })}>
        <option value="off">off</option>
        {[...new Set([...REFRESHES, ...(refresh ? [refresh] : [])])].map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </div>
  );
}

function Ranges({ raw, timezone, ownZone, scope, close }: { raw: { from: string; to: string }; timezone: string; ownZone: string; scope?: Scope; close: () => void }) {
  const text = (value: string, ms: number | undefined) => (value.startsWith("now") || ms === undefined ? value : timeText(ms, timezone));
  const [from, setFrom] = useState(text(raw.from, scope?.fromMs));
  const [to, setTo] = useState(text(raw.to, scope?.toMs));
  const ends = [parseTime(from, Date.now(), timezone), parseTime(to, Date.now(), timezone, true)] as const;
  const problem = ends[0] === undefined ? "from: a time is 2026-11-21 14:00:00 or now-6h" : ends[1] === undefined ? "to: a time is 2026-11-21 14:00:00 or now" : ends[0] >= ends[1] ? "the range ends before it begins" : "";
  const address = (value: string, ms: number) => (value.trim().startsWith("now") ? value.trim() : String(ms));
  const choose = (changes: Record<string, string>) => {
    setQuery(changes, "push");
    close();
  };
  return (
    <div class="ranges">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!problem) choose({ from: address(from, ends[0]!), to: address(to, ends[1]!) });
        }}
      >
        <h3>From and to</h3>
        <label>
          From
          <input value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
        </label>
        <label>
          To
          <input value={to} onInput={(event) => setTo(event.currentTarget.value)} />
        </label>
        <p class={problem ? "bad" : "quiet"} aria-live="polite">
          {problem || `${timeText(ends[0]!, timezone)} to ${timeText(ends[1]!, timezone)}`}
        </p>
        <button class="main" type="submit" disabled={problem !== ""}>
          Show this range
        </button>
        <label class="zone">
          Time zone
          <select value={timezone} onChange={(event) => choose({ timezone: event.currentTarget.value })}>
            {[...new Set([...ZONES, ownZone, timezone])].filter(Boolean).map((zone) => (
              <option key={zone} value={zone}>
                {zone === "browser" ? `browser (${Intl.DateTimeFormat().resolvedOptions().timeZone})` : zone === "utc" ? "UTC" : zone}
              </option>
            ))}
            <optgroup label="All">
              {Intl.supportedValuesOf("timeZone").filter((zone) => zone !== timezone && zone !== ownZone).map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </optgroup>
          </select>
        </label>
      </form>
      <ul>
        {QUICK.map(([start, end, name]) => (
          <li key={name}>
            <button type="button" aria-current={raw.from === start && raw.to === end ? "true" : undefined} onClick={() => choose({ from: start, to: end })}>
              {name}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
