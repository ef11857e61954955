/**
 * show: which queries of a dashboard are for us. One store answers all that is written for Prometheus, however the file names it.
 *
 * In: a `datasource` of the file (nothing, a name, `$datasource`, `{type, uid}`). Out: ours, `mixed`, another panel's result, built in, or a kind that
 * cannot be asked here.
 */
import { isObject, objects, text, type Json } from "./loose";

export type Source = { kind: "ours" | "mixed" | "dashboard" | "grafana" | "expression" } | { kind: "other"; name: string };

const PROMETHEUS = /prometheus|mimir|cortex|thanos|victoriametrics-metrics/i;
const OTHERS =
  /^(loki|tempo|jaeger|zipkin|elasticsearch|opensearch|influxdb|graphite|mysql|postgres|postgresql|mssql|cloudwatch|stackdriver|azure monitor|azuremonitor|clickhouse|testdata|alertmanager|pyroscope|parca|opentsdb|mongodb|bigquery|snowflake|redis|json|infinity|pmm|quickwit|victorialogs)\b/i;

export interface Sources {
  of(ref: unknown): Source;
}

/** `inputs`: the file's `__inputs`, which say what `${DS_X}` stands for; variables of type datasource say what `$datasource` is. */
export function sources(dashboard: Json): Sources {
  const kinds = new Map<string, string>();
  for (const input of objects(dashboard.__inputs)) if (input.type === "datasource") kinds.set(text(input.name), text(input.pluginId));
  for (const variable of objects(object2(dashboard.templating).list)) if (variable.type === "datasource") kinds.set(text(variable.name), text(variable.query));
  return { of: (ref) => sourceOf(ref, kinds) };
}

const object2 = (value: unknown): Json => (isObject(value) ? value : {});

function sourceOf(ref: unknown, kinds: Map<string, string>): Source {
  if (isObject(ref)) {
    const [uid, type] = [text(ref.uid), text(ref.type ?? ref.kind)];
    const special = byName(uid, kinds);
    if (special && special.kind !== "other") return special.kind === "ours" && type && other(type) ? { kind: "other", name: type } : special;
    if (type === "__expr__") return { kind: "expression" };
    if (type === "datasource") return { kind: "grafana" };
    if (type !== "") return other(type) ? { kind: "other", name: type } : { kind: "ours" };
    return special ?? { kind: "ours" };
  }
  return typeof ref === "string" ? (byName(ref, kinds) ?? { kind: "ours" }) : { kind: "ours" };
}

const other = (type: string): boolean => !type.startsWith("$") && !PROMETHEUS.test(type);

function byName(name: string, kinds: Map<string, string>): Source | undefined {
  switch (name) {
    case "":
      return undefined;
    case "-- Mixed --":
      return { kind: "mixed" };
    case "-- Dashboard --":
      return { kind: "dashboard" };
    case "-- Grafana --":
    case "grafana":
      return { kind: "grafana" };
    case "__expr__":
    case "-- Expression --":
      return { kind: "expression" };
  }
  const place = /^(?:\$\{?|\[\[)(\w+)(?::\w+)?(?:\}|\]\])?$/.exec(name)?.[1];
  if (place !== undefined) {
    const kind = kinds.get(place);
    return kind && other(kind) ? { kind: "other", name: kind } : { kind: "ours" };
  }
  return OTHERS.test(name) ? { kind: "other", name } : undefined;
}
