/**
 * show: the overview of everything, asked once for all: the menu's counts, Home, Status.
 *
 * In: nothing. Out: `overview`, renewed each five seconds while somebody looks. Never asks twice at a time.
 */
import { signal, type ReadonlySignal } from "@preact/signals";

import { ApiError, get, seen, type Asked } from "./api";
import { reachOf } from "./query/grid";
import type { Overview } from "./shapes";

const EVERY_MS = 5000;

const newest = signal<Asked<Overview>>({ loading: true });
let asking: Promise<void> | undefined;

/** The newest answer; it stays while the next is under way, and beside an error. */
export const overview: ReadonlySignal<Asked<Overview>> = newest;

export function askOverview(): Promise<void> {
  asking ??= ask().finally(() => (asking = undefined));
  return asking;
}

async function ask(): Promise<void> {
  try {
    const { data } = await get<{ data: Overview }>("api/bellbuoy/overview");
    newest.value = { data, loading: false, at: Date.now() };
  } catch (error) {
    newest.value = { ...newest.value, loading: false, error: error instanceof ApiError ? error : new ApiError(String(error), 0) };
  }
}

/** Asks now and each five seconds. Gives what ends it. */
export function watchOverview(): () => void {
  void askOverview();
  const timer = setInterval(() => seen.value && void askOverview(), EVERY_MS);
  return () => clearInterval(timer);
}

/** How far back a chart goes whose range nobody chose: not to before the oldest sample. Before that is known, and of an empty store, as far as it would. */
export function storedSeconds(most: number): number {
  const oldest = Date.parse(newest.value.data?.ingestion.oldest ?? "");
  return Number.isNaN(oldest) ? most : reachOf((Date.now() - oldest) / 1000, most);
}

/** A file's name without the folder that the program runs. */
export function inFolder(file: string): string {
  const folder = newest.value.data?.folder.replace(/\/+$/, "");
  return folder && file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
}
