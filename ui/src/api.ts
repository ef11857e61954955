/**
 * show: every request of the pages goes through here.
 *
 * In: a path below the program's root and parameters. Out: JSON, or an `ApiError` with a sentence for people.
 * Never asks another host; never retries by itself (`poll` asks again at its interval, and not while the page is hidden).
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

import { root } from "./router";

export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0: no answer. */
    readonly status: number,
    /** Prometheus' word (`bad_data`, `timeout`, ...), when there is one. */
    readonly kind = "",
  ) {
    super(message);
  }
}

export type Params = Record<string, string | number | boolean | readonly string[] | undefined>;

/** GET of JSON. `path` has no slash at its start: `api/v1/rules`. */
export async function get<T>(path: string, params: Params = {}, abort?: AbortSignal): Promise<T> {
  const query = search(params);
  return ask<T>(`${path}${query ? `?${query}` : ""}`, { signal: abort });
}

/** GET of Prometheus' API: its `data`. Long queries go as a form by POST. */
export async function prom<T>(path: string, params: Params = {}, abort?: AbortSignal): Promise<T> {
  return (await promAnswer<T>(path, params, abort)).data;
}

/** As `prom`, with the server's remarks. */
export async function promAnswer<T>(path: string, params: Params = {}, abort?: AbortSignal): Promise<{ data: T; warnings?: string[]; infos?: string[] }> {
  const query = search(params);
  const long = query.length > 1800;
  return ask<{ status: string; data: T; warnings?: string[]; infos?: string[] }>(
    long ? `api/v1/${path}` : `api/v1/${path}${query ? `?${query}` : ""}`,
    long ? { method: "POST", body: query, headers: { "content-type": "application/x-www-form-urlencoded" }, signal: abort } : { signal: abort },
  );
}

/** A file as it is, with its ETag; `undefined` when it is still the one of `etag`. */
export async function file(path: string, etag = "", abort?: AbortSignal): Promise<{ text: string; etag: string } | undefined> {
  let response: Response;
  try {
    response = await fetch(root + path, { signal: abort, credentials: "same-origin", cache: "no-store", headers: etag ? { "if-none-match": etag } : {} });
  } catch (error) {
    if (abort?.aborted) throw error;
    throw new ApiError("bellbuoy does not answer; is it still running?", 0);
  }
  if (response.status === 304) return undefined;
  const text = await response.text();
  if (!response.ok) throw new ApiError(String((json(text) as { error?: unknown } | undefined)?.error ?? text.slice(0, 500)), response.status);
  return { text, etag: response.headers.get("etag") ?? "" };
}

/** POST, PUT or DELETE with a JSON body. */
export async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init: RequestInit = { method, headers };
  if (body !== undefined) {
    init.body = typeof body === "string" ? body : JSON.stringify(body);
    init.headers = { "content-type": "application/json", ...headers };
  }
  return ask<T>(path, init);
}

function search(params: Params): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) out.append(name, String(one));
  }
  return out.toString();
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(root + path, { ...init, credentials: "same-origin" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError("bellbuoy does not answer; is it still running?", 0);
  }
  const text = await response.text();
  const parsed = json(text);
  if (!response.ok) {
    const body = (parsed ?? {}) as { error?: unknown; errorType?: unknown; message?: unknown };
    const said = typeof body.error === "string" ? body.error : typeof body.message === "string" ? body.message : text.slice(0, 20_000).trim();
    throw new ApiError(said || `HTTP ${response.status}`, response.status, typeof body.errorType === "string" ? body.errorType : "");
  }
  return parsed as T;
}

function json(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What was asked for: the newest answer stays while the next is under way, and beside an error. */
export interface Asked<T> {
  data?: T;
  error?: ApiError;
  loading: boolean;
  /** When `data` came, Unix milliseconds. */
  at?: number;
}

/** Asks now, when `key` changes, and each `everyMs` while the page is seen (0: once). `again()` asks at once. */
export function useAsked<T>(fetcher: (abort: AbortSignal) => Promise<T>, key: string, everyMs = 0): Asked<T> & { again: () => void } {
  const [asked, setAsked] = useState<Asked<T>>({ loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const round = async () => {
      try {
        const data = await fetcher(abort.signal);
        if (!abort.signal.aborted) setAsked({ data, loading: false, at: Date.now() });
      } catch (error) {
        if (abort.signal.aborted) return;
        const known = error instanceof ApiError ? error : new ApiError(String(error), 0);
        setAsked((before) => ({ ...before, error: known, loading: false }));
      }
      if (everyMs > 0 && !abort.signal.aborted) timer = setTimeout(next, everyMs);
    };
    const next = () => (seen.value ? void round() : (timer = setTimeout(next, 1000)));
    void round();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs, turn]);
  return { ...asked, again: () => setTurn((before) => before + 1) };
}

const seenNow = signal(document.visibilityState !== "hidden");
document.addEventListener("visibilitychange", () => (seenNow.value = document.visibilityState !== "hidden"));

/** Whether anybody can see the page. */
export const seen: ReadonlySignal<boolean> = seenNow;
