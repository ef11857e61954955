/**
 * show: takes a dashboard out of what it came in: as it is, `{dashboard, meta}`, a V1 resource, a V2 resource.
 *
 * In: the file's JSON. Out: the classic form (made anew for V2), where its parts are in the file, and what could not be taken over. The input is not changed.
 */
import { isObject, text, type Json } from "./loose";
import { classicOfV2 } from "./wrap-v2";

export type Path = (string | number)[];

export interface Unwrapped {
  classic: Json;
  /** Where `classic` is in the file. */
  prefix: Path;
  /** Where a query of a V2 file is. */
  paths: Map<Json, Path>;
  problems: string[];
}

export function unwrap(json: unknown): Unwrapped {
  const none = { paths: new Map<Json, Path>(), problems: [] as string[] };
  if (!isObject(json)) return { classic: {}, prefix: [], ...none, problems: ["the file is no dashboard: not a JSON object"] };
  const inner = (key: string): Json | undefined => (isObject(json[key]) ? (json[key] as Json) : undefined);
  const spec = inner("spec");
  if (spec && (isObject(spec.elements) || isObject(spec.layout))) {
    const made = classicOfV2(spec, ["spec"]);
    if (made.classic.uid === undefined) made.classic.uid = text((inner("metadata") ?? {}).name);
    return { ...made, prefix: ["spec"] };
  }
  if (isObject(json.elements) && isObject(json.layout)) return { ...classicOfV2(json, []), prefix: [] };
  if (spec && typeof json.apiVersion === "string") {
    const uid = spec.uid ?? (inner("metadata") ?? {}).name;
    return { classic: { ...spec, uid }, prefix: ["spec"], ...none };
  }
  const dashboard = inner("dashboard");
  if (dashboard && (dashboard.panels !== undefined || dashboard.rows !== undefined || dashboard.title !== undefined)) {
    const deeper = unwrap(dashboard);
    return { ...deeper, prefix: ["dashboard", ...deeper.prefix] };
  }
  return { classic: json, prefix: [], ...none };
}
