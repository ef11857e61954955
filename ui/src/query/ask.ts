/** show: one question to the query API with all that it says: warnings, statistics, how long it took. In: an expression and times. Out: the answer, or an ApiError. */
import { get, send } from "../api";
import type { Labels } from "../shapes";

export interface Answer {
  data: { resultType: "vector" | "matrix" | "scalar" | "string"; result: unknown };
  warnings: string[];
  infos: string[];
  /** From asking to the last byte, seconds. */
  took: number;
}

export interface Sample {
  metric: Labels;
  value?: [number, string];
  values?: [number, string][];
  histogram?: [number, unknown];
  histograms?: [number, unknown][];
}

const ADDRESS_CHARS_MAX = 1800;

export async function ask(path: "query" | "query_range", params: Record<string, string | number | undefined>, abort?: AbortSignal): Promise<Answer> {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined) form.set(name, String(value));
  const text = form.toString();
  const began = performance.now();
  type Raw = { data: Answer["data"]; warnings?: string[]; infos?: string[] };
  const raw =
    text.length > ADDRESS_CHARS_MAX
      ? await send<Raw>("POST", `api/v1/${path}`, text, { "content-type": "application/x-www-form-urlencoded" })
      : await get<Raw>(`api/v1/${path}`, params, abort);
  return { data: raw.data, warnings: raw.warnings ?? [], infos: raw.infos ?? [], took: (performance.now() - began) / 1000 };
}
