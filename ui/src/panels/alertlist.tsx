/** show: the panel alertlist: alerts of our own rules as they are now, whatever the dashboard's range. In: the panel's filter. Out: one line each, with a link to its page. */
import { prom, useAsked } from "../api";
import { href } from "../router";
import { ago, now } from "../parts/time";
import { record, type Shown } from "./kit";

interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: "firing" | "pending" | "inactive";
  activeAt: string;
  value: string;
}

interface Rules {
  groups: { name: string; rules: { name: string; type: string; state: string; labels: Record<string, string>; alerts?: Alert[] }[] }[];
}

interface Item {
  name: string;
  state: string;
  labels: Record<string, string>;
  summary: string;
  sinceMs: number | undefined;
}

const ITEMS_MAX = 500;

export default function AlertList({ panel, fill }: Shown) {
  const rules = useAsked((abort) => prom<Rules>("rules", { type: "alert" }, abort), "alertlist", 10_000);
  if (!rules.data) return <div class="panel-empty">{rules.error ? rules.error.message : "Loading…"}</div>;
  const items = itemsOf(rules.data, panel.options, fill ?? ((text) => text));
  const most = Math.min(ITEMS_MAX, typeof panel.options.maxItems === "number" && panel.options.maxItems > 0 ? panel.options.maxItems : typeof panel.options.limit === "number" ? panel.options.limit : 100);
  const count = rules.data.groups.reduce((sum, group) => sum + group.rules.length, 0);
  if (panel.options.viewMode === "stat") return <b class="alert-count">{items.length}</b>;
  if (items.length === 0) {
    return (
      <div class="panel-empty">
        <b class="good">No alerts</b>
        <span>{count === 0 ? "There are no alerting rules." : count === 1 ? "The one rule has no alert that fits." : `None of ${count} rules has an alert that fits.`}</span>
      </div>
    );
  }
  return (
    <ul class="alert-items">
      {items.slice(0, most).map((item, at) => (
        <li key={at} class={item.state}>
          <span class={`tag ${item.state === "firing" ? "bad" : item.state === "pending" ? "warn" : "good"}`}>{item.state}</span>
          <a href={href(["alerts", item.name])}>
            <bdi>{item.name.slice(0, 120)}</bdi>
          </a>
          <span class="alert-what" title={Object.entries(item.labels).map(([name, value]) => `${name}="${value}"`).join(", ").slice(0, 1000)}>
            <bdi>{(item.summary || Object.entries(item.labels).filter(([name]) => name !== "alertname" && name !== "severity").map(([name, value]) => `${name}=${value}`).join(" ")).slice(0, 300)}</bdi>
          </span>
          {item.labels.severity && <span class="tag">{item.labels.severity.slice(0, 40)}</span>}
          <time class="quiet nowrap">{item.sinceMs === undefined ? "" : ago(item.sinceMs, now.value)}</time>
        </li>
      ))}
      {items.length > most && <li class="quiet">and {items.length - most} more</li>}
    </ul>
  );
}

function itemsOf(rules: Rules, options: Record<string, unknown>, fill: (text: string) => string): Item[] {
  const states = record(options.stateFilter);
  const wanted = (state: string) => (Object.keys(states).length === 0 ? state !== "inactive" : state === "inactive" ? states.normal === true || states.inactive === true : states[state] === true);
  const name = fill(String(options.alertName ?? "")).toLowerCase();
  const filter = matchersOf(fill(String(options.alertInstanceLabelFilter ?? "")));
  const out: Item[] = [];
  for (const rule of rules.groups.flatMap((group) => group.rules)) {
    if (name && !rule.name.toLowerCase().includes(name)) continue;
    for (const alert of rule.alerts ?? []) {
      const labels = { ...rule.labels, ...alert.labels };
      if (!wanted(alert.state) || !filter(labels)) continue;
      const since = Date.parse(alert.activeAt);
      out.push({ name: rule.name, state: alert.state, labels, summary: alert.annotations.summary ?? alert.annotations.description ?? "", sinceMs: Number.isFinite(since) && since > 0 ? since : undefined });
    }
    if ((rule.alerts ?? []).length === 0 && wanted("inactive") && filter(rule.labels)) out.push({ name: rule.name, state: "inactive", labels: rule.labels, summary: "", sinceMs: undefined });
  }
  const rank = (item: Item) => ["firing", "pending", "inactive"].indexOf(item.state);
  switch (Number(options.sortOrder ?? 3)) {
    case 1:
      return out.sort((a, b) => a.name.localeCompare(b.name));
    case 2:
      return out.sort((a, b) => b.name.localeCompare(a.name));
    case 4:
      return out.sort((a, b) => (a.sinceMs ?? Infinity) - (b.sinceMs ?? Infinity));
    case 5:
      return out.sort((a, b) => (b.sinceMs ?? 0) - (a.sinceMs ?? 0));
  }
  return out.sort((a, b) => rank(a) - rank(b) || (b.sinceMs ?? 0) - (a.sinceMs ?? 0));
}

/** `{severity="critical", team=~"a|b"}`; what is no matcher lets everything through. */
function matchersOf(text: string): (labels: Record<string, string>) => boolean {
  const matchers = [...text.slice(0, 2000).matchAll(/([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g)].map(([, label, operator, value]) => ({ label: label!, operator: operator!, value: value!.replace(/\\(.)/g, "$1") }));
  return (labels) =>
    matchers.every(({ label, operator, value }) => {
      const own = labels[label] ?? "";
      if (operator === "=" || operator === "!=") return (own === value) === (operator === "=");
      try {
        return new RegExp(`^(?:${value})$`).test(own) === (operator === "=~");
      } catch {
        return true;
      }
    });
}

