/**
 * show: what a dashboard's page knows: the file and its changes, the range and variables of the address, the moment of the last refresh.
 *
 * In: a uid, the address. Out: `Dashboard`, `Scope`, annotations. Asks for the file every few seconds by its ETag; asks again for variables only when what they depend on changed.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { ApiError, file, get, prom, seen } from "../api";
import { askAnnotations } from "../dashboard/annotations";
import { askServer } from "../dashboard/ask";
import { durationMs } from "../dashboard/interval";
import { loadDashboard } from "../dashboard/load";
import type { Annotation, Dashboard, Scope } from "../dashboard/model";
import { scopeOf } from "../dashboard/range";
import { resolveVariables } from "../dashboard/variables";
import { encoded } from "../match";
import { place } from "../router";

const FILE_POLL_MS = 4000;

export interface Opened {
  dashboard?: Dashboard;
  /** The file's text and its ETag, to save changes into. */
  text: string;
  etag: string;
  error?: string;
  /** How often the file has changed since the page was opened. */
  changes: number;
}

/** The file, and again when it changes. */
export function useDashboard(uid: string): Opened & { again: () => void } {
  const [opened, setOpened] = useState<Opened>({ text: "", etag: "", changes: 0 });
  const [turn, setTurn] = useState(0);
  const etag = useRef("");
  useEffect(() => {
    etag.current = "";
    setOpened({ text: "", etag: "", changes: 0 });
  }, [uid]);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const round = async () => {
      if (seen.value) {
        try {
          const found = await file(`api/bellbuoy/dashboards/${encoded(uid)}`, etag.current, abort.signal);
          if (found && !abort.signal.aborted) {
            const first = etag.current === "";
            etag.current = found.etag;
            setOpened((before) => read(found.text, found.etag, first ? 0 : before.changes + 1, before));
          } else if (!abort.signal.aborted) setOpened((before) => (before.error && before.dashboard ? { ...before, error: undefined } : before));
        } catch (error) {
          if (abort.signal.aborted) return;
          const said = error instanceof ApiError && error.status === 404 ? "There is no dashboard with this uid in the folder (any more)." : error instanceof Error ? error.message : String(error);
          setOpened((before) => (before.error === said ? before : { ...before, error: said }));
        }
      }
      if (!abort.signal.aborted) timer = setTimeout(() => void round(), FILE_POLL_MS);
    };
    void round();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [uid, turn]);
  return { ...opened, again: () => setTurn((before) => before + 1) };
}

function read(text: string, etag: string, changes: number, before: Opened): Opened {
  try {
    return { dashboard: loadDashboard(JSON.parse(text.replace(/^\uFEFF/, ""))), text, etag, changes };
  } catch (error) {
    return { ...before, text, etag, changes, error: `The file is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** What the address says of times. */
export function chosenTimes(dashboard: Dashboard): { raw: { from: string; to: string }; timezone: string; refresh: string } {
  const { query } = place.value;
  const from = query.get("from") ?? "";
  const to = query.get("to") ?? "";
  const zone = query.get("timezone") ?? dashboard.timezone;
  const refresh = query.get("refresh") ?? dashboard.refresh;
  return { raw: { from: from || dashboard.time.from, to: to || dashboard.time.to }, timezone: zone || "browser", refresh: durationMs(refresh) ? refresh : "" };
}

export interface Live {
  scope: Scope;
  annotations: Annotation[];
  problems: string[];
  /** Grows with each refresh and each change. */
  version: number;
  /** What made this version: a refresh may wait for what is under way, a change may not. */
  cause: "change" | "refresh";
}

/** Range, variables and annotations, made anew for each refresh. */
export function useLive(dashboard: Dashboard | undefined): { live?: Live; refreshNow: () => void; working: boolean } {
  const [live, setLive] = useState<Live>();
  const [tick, setTick] = useState(0);
  const [working, setWorking] = useState(false);
  const scrapeMs = useScrapeInterval();
  const before = useRef<Live | undefined>(undefined);
  const lastKey = useRef<{ key: string; dashboard: Dashboard } | undefined>(undefined);
  const times = dashboard && chosenTimes(dashboard);
  const refreshMs = times ? (durationMs(times.refresh) ?? 0) : 0;
  const own = useMemo(() => relevant(place.value.query), [place.value]);
  const key = `${times?.raw.from} ${times?.raw.to} ${times?.timezone} ${scrapeMs} ${own}`;

  useEffect(() => {
    if (!dashboard || !times || scrapeMs === 0) return;
    const abort = new AbortController();
    const change = lastKey.current?.key !== key || lastKey.current.dashboard !== dashboard;
    const bare = scopeOf(dashboard, times.raw, times.timezone, Date.now(), scrapeMs);
    setWorking(true);
    void (async () => {
      try {
        const known = before.current?.scope.dashboard?.uid === dashboard.uid ? before.current.scope.variables : undefined;
        const variables = await resolveVariables(dashboard, place.value.query, bare, askServer, { abort: abort.signal, before: known });
        const scope = { ...bare, variables };
        const marks = dashboard.annotations.some((one) => one.enabled)
          ? await askAnnotations(dashboard, scope, askServer, async (path, params, signal) => (await get<{ data: unknown }>(path, params, signal)).data, undefined, abort.signal)
          : { annotations: [], problems: [] };
        if (abort.signal.aborted) return;
        lastKey.current = { key, dashboard };
        before.current = { scope, annotations: marks.annotations, problems: marks.problems, version: (before.current?.version ?? 0) + 1, cause: change ? "change" : "refresh" };
        setLive(before.current);
      } catch (error) {
        if (!abort.signal.aborted) console.warn(error instanceof Error ? error.message : String(error));
      }
      if (!abort.signal.aborted) setWorking(false);
    })();
    return () => abort.abort();
  }, [dashboard, key, tick]);

  useEffect(() => {
    if (!refreshMs || !times || !/now/.test(times.raw.to)) return;
    const timer = setInterval(() => seen.value && setTick((turn) => turn + 1), Math.max(1000, refreshMs));
    return () => clearInterval(timer);
  }, [refreshMs, times?.raw.to]);

  return { live, refreshNow: () => setTick((turn) => turn + 1), working };
}

/** The part of the address that queries depend on. */
function relevant(query: URLSearchParams): string {
  return [...query.entries()]
    .filter(([name]) => name.startsWith("var-"))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

let knownScrapeMs = 0;

/** The global scrape interval of the configuration; Grafana's 15 s when it cannot be read. */
function useScrapeInterval(): number {
  const [ms, setMs] = useState(knownScrapeMs);
  useEffect(() => {
    if (knownScrapeMs) return;
    prom<{ yaml: string }>("status/config").then(
      ({ yaml }) => setMs((knownScrapeMs = durationMs(/\bscrape_interval:\s*"?([\w.]+)"?/.exec(yaml)?.[1] ?? "") ?? 15_000)),
      () => setMs((knownScrapeMs = 15_000)),
    );
  }, []);
  return ms;
}
