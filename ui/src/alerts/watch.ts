/**
 * show: how the values of rules went, for sparklines and for "no data". In: rules with a comparison. Out: per rule the last half hour (since the start, when that was later) of what is
 * compared. Each rule is asked once per turn, six at a time, at most 400 rules; what is beyond that is counted.
 */
import { useEffect, useRef, useState } from "preact/hooks";

import { seen } from "../api";
import { askOverview, overview, storedSeconds } from "../overview";
import { queryRange } from "../query/series";
import { stepOf, type Grid } from "../query/grid";
import { comparison } from "./threshold";

export interface Watched {
  key: string;
  query: string;
}

export interface Past {
  grid?: Grid;
  error?: string;
}

const RULES_MAX = 400;
const SERIES_MAX = 60;
const TURN_MS = 15_000;
const POINTS = 60;

/** The value of now: of the last two points, as an answer may come between two scrapes. What a series said before it ended is no value. */
export function newest(values: readonly (number | null)[]): number | undefined {
  return values.at(-1) ?? values.at(-2) ?? undefined;
}

export function usePast(rules: Watched[], seconds: number): { past: ReadonlyMap<string, Past>; noData: ReadonlySet<string>; beyond: number; reach: number } {
  const [past, setPast] = useState<ReadonlyMap<string, Past>>(new Map());
  /** Seconds that the answers are of. */
  const [reach, setReach] = useState(seconds);
  const list = useRef(rules);
  list.current = rules;
  const key = rules.map((rule) => rule.key + rule.query).join("\n");
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      if (!overview.value.data) await askOverview();
      if (seen.value) {
        const end = Math.floor(Date.now() / 1000);
        // Not on whole steps: what came in the last seconds counts, or a fresh start would look like "no data".
        const step = stepOf(storedSeconds(seconds), POINTS);
        const range = { start: end - step * POINTS, end, step };
        const found = new Map<string, Past>();
        const ask = async ({ key, query }: Watched) => {
          try {
            found.set(key, { grid: await queryRange(comparison(query)?.left ?? query, range, SERIES_MAX, abort.signal) });
          } catch (error) {
            found.set(key, { error: error instanceof Error ? error.message : String(error) });
          }
        };
        await Promise.all(list.current.slice(0, RULES_MAX).map(ask));
        if (abort.signal.aborted) return;
        setPast(found);
        setReach(step * POINTS);
      }
      timer = setTimeout(turn, TURN_MS);
    };
    void turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, seconds]);
  const noData = new Set<string>();
  for (const rule of rules) {
    const grid = past.get(rule.key)?.grid;
    // What is not compared (`absent(x)`) has no samples when all is well.
    if (grid && comparison(rule.query) && grid.series.every((series) => newest(series.values) === undefined)) noData.add(rule.key);
  }
  return { past, noData, beyond: Math.max(0, rules.length - RULES_MAX), reach };
}
