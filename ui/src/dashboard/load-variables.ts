/**
 * show: the variables of a dashboard's JSON. Which values they have is found by variables.ts.
 */
import { flag, isObject, list, number, object, objects, text, texts, type Json } from "./loose";
import type { Variable, VariableValue } from "./model";
import type { Sources } from "./source";

const VARIABLES_MAX = 200;
const TYPES = ["query", "custom", "datasource", "interval", "textbox", "constant", "adhoc", "switch", "groupby"] as const;

export function loadVariables(value: unknown, sources: Sources): Variable[] {
  const seen = new Set<string>();
  return objects(value)
    .slice(0, VARIABLES_MAX)
    .map((raw) => readVariable(raw, sources))
    .filter((one) => one.name !== "" && !seen.has(one.name) && seen.add(one.name));
}

function readVariable(raw: Json, sources: Sources): Variable {
  const type = TYPES.find((one) => one === raw.type) ?? "unknown";
  const out: Variable = {
    name: text(raw.name),
    label: text(raw.label),
    type,
    hide: ([0, 1, 2] as const)[number(raw.hide) ?? (raw.hide === true ? 2 : 0)] ?? 0,
    description: text(raw.description),
    query: queryText(raw, type),
    regex: text(raw.regex),
    multi: flag(raw.multi),
    includeAll: flag(raw.includeAll),
    allValue: text(raw.allValue),
    refresh: ([0, 1, 2] as const)[raw.refresh === true ? 1 : (number(raw.refresh) ?? 0)] ?? 0,
    sort: number(raw.sort) ?? 0,
    current: valueOf(raw.current, type === "constant" || type === "textbox" ? text(raw.query) : ""),
    options: objects(raw.options).flatMap((one) => (one.value === undefined || one.value === null ? [] : [{ text: text(one.text, text(one.value)), value: text(one.value) }])),
    filters: filtersOf(raw.filters ?? object(raw.current).value),
  };
  if (type === "interval" && flag(raw.auto)) out.auto = { count: Math.max(1, number(raw.auto_count) ?? 30), minInterval: text(raw.auto_min, "10s") };
  if (type === "switch") out.options = [text(raw.enabledValue, "true"), text(raw.disabledValue, "false")].map((value) => ({ text: value, value }));
  if (type === "adhoc") out.filters.push(...filtersOf(raw.baseFilters));
  const source = sources.of(raw.datasource);
  if (type === "query" && source.kind === "other") out.problem = `asks ${source.name}, which is not here`;
  if (type === "unknown") out.problem = `variables of type "${text(raw.type)}" are not known`;
  return out;
}

/** A query is a text, or an object around one. */
function queryText(raw: Json, type: string): string {
  const query = raw.query;
  if (!isObject(query)) return text(query) || (type === "query" ? text(raw.definition) : "");
  const written = text(query.query) || text(query.expr) || text(query.__legacyStringValue);
  if (written !== "") return written;
  const metric = text(query.metric);
  if (typeof query.label === "string") return metric === "" ? `label_values(${query.label})` : `label_values(${metric}${matchersText(query.labelFilters)}, ${query.label})`;
  return metric === "" ? text(raw.definition) : `metrics(${metric})`;
}

function matchersText(value: unknown): string {
  const filters = objects(value).map((one) => `${text(one.label)}${text(one.op, "=")}${JSON.stringify(text(one.value))}`);
  return filters.length > 0 ? `{${filters.join(",")}}` : "";
}

function valueOf(value: unknown, otherwise: string): VariableValue {
  const from = object(value);
  const both = (one: unknown): string | string[] => (Array.isArray(one) ? texts(one) : text(one, otherwise));
  const found = both(from.value);
  const shown = from.text === undefined ? found : both(from.text);
  return { value: found, text: Array.isArray(found) && !Array.isArray(shown) ? [...(found.length === 1 ? [shown] : found)] : shown };
}

function filtersOf(value: unknown): Variable["filters"] {
  return objects(list(value)).flatMap((one) => {
    const key = text(one.key);
    return key === "" ? [] : [{ key, operator: text(one.operator, "="), value: text(one.value) }];
  });
}
