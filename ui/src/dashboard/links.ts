/**
 * show: links of dashboards, panels and values, with their variables filled in.
 *
 * In: links as the file has them, the scope, for a value its column and row. Out: addresses that are safe to follow: http, https, mailto, or a place of
 * these pages. Grafana's `/d/UID` leads to the dashboard here, its Explore to the query page.
 */
import { encoded } from "../match";
import { displayOf } from "./display";
import { exploreOf } from "./explore";
import { formatValue, interpolate, lookupIn, replacePlaces, type Found } from "./interpolate";
import { own } from "./loose";
import type { Dashboard, Field, Frame, Link, Panel, Scope } from "./model";

export interface Ready {
  title: string;
  /** Below the pages' base when `inside`, else whole. */
  url: string;
  inside: boolean;
  newTab: boolean;
  /** It is not followed: the reason. */
  why?: string;
  /** They stand together in a list of this name. */
  list?: string;
}

/** Links of a value: of its column's config. */
export function dataLinks(field: Field, frame: Frame, row: number, scope: Scope, panel?: Panel): Ready[] {
  return (field.config.links ?? []).flatMap((link) => ready(link, scope, panel, (name, path) => dataValue(name, path, field, frame, row, scope)));
}

/** Links in the corner of a panel. */
export const panelLinks = (panel: Panel, scope: Scope): Ready[] => panel.links.flatMap((link) => ready(link, scope, panel));

/** Links under the title of a dashboard; `others` are for links to dashboards by tag. */
export function dashboardLinks(dashboard: Dashboard, scope: Scope, others: readonly { uid: string; title: string; tags: string[] }[]): Ready[] {
  return dashboard.links.flatMap((link) => {
    const more = [link.keepTime ? timeAddress(scope) : "", link.includeVars ? variablesText(scope) : ""].filter((part) => part !== "").join("&");
    if (link.type === "link") return ready(link, scope).map((one) => ({ ...one, url: withQuery(one.url, more) }));
    const tagged = others.filter((one) => one.uid !== dashboard.uid && link.tags.every((tag) => one.tags.includes(tag)));
    const list = link.asDropdown ? { list: interpolate(link.title, lookupIn(scope), "text") || "Dashboards" } : {};
    return tagged.map((one) => ({ title: one.title, url: withQuery(`dashboards/${encoded(one.uid)}`, more), inside: true, newTab: link.newTab, ...list }));
  });
}

const timeAddress = (scope: Scope): string => `from=${encodeURIComponent(scope.raw.from)}&to=${encodeURIComponent(scope.raw.to)}`;

function variablesText(scope: Scope): string {
  return Object.entries(scope.variables)
    .filter(([, { variable }]) => variable.type !== "constant" && variable.type !== "datasource")
    .flatMap(([name, { current }]) => (Array.isArray(current.value) ? current.value : [current.value]).map((value) => `var-${encodeURIComponent(name)}=${encodeURIComponent(value)}`))
    .join("&");
}

function withQuery(url: string, more: string): string {
  if (more === "") return url;
  const [bare, hash] = url.split("#", 2) as [string, string?];
  return `${bare}${bare.includes("?") ? "&" : "?"}${more}${hash === undefined ? "" : `#${hash}`}`;
}

type Extra = (name: string, path: string | undefined) => Found | undefined;

function ready(link: Link, scope: Scope, panel?: Panel, extra?: Extra): Ready[] {
  const values = lookupIn(scope, panel);
  const lookup = (name: string, path?: string) => extra?.(name, path) ?? values(name, path);
  const raw = replacePlaces(link.url, lookup, (found, format) => {
    if (found.name === "__url_time_range" || found.name === "__all_variables") return found.value as string;
    if (format !== undefined) return formatValue(found, format);
    return (Array.isArray(found.value) ? found.value : [found.value]).map(encodeURIComponent).join(",");
  });
  const title = replacePlaces(link.title, lookup, (found) => formatValue(found, "text"));
  const place = placeOf(raw);
  return place ? [{ title: title || (place.url === raw ? raw : "Explore"), ...place, newTab: link.newTab }] : [];
}

/** Where an address leads; nothing for scripts and data. */
export function placeOf(url: string): { url: string; inside: boolean; why?: string } | undefined {
  const trimmed = url.trim().replace(/[\u0000-\u001f]+/g, "").replace(/ /g, "%20");
  const explored = exploreOf(trimmed);
  if (explored) return { url: "", inside: true, ...explored };
  const dashboard = /^\/?d\/([^/?#]+)(?:\/[^?#]*)?([?#].*)?$/.exec(trimmed);
  if (dashboard) return { url: `dashboards/${dashboard[1]}${dashboard[2] ?? ""}`, inside: true };
  if (/^(https?:\/\/|mailto:)/i.test(trimmed)) return { url: trimmed, inside: false };
  if (/^[a-z][a-z0-9+.-]*:/i.test(trimmed) || trimmed.startsWith("//") || trimmed.startsWith("\\")) return undefined;
  if (trimmed.startsWith("?")) return { url: trimmed, inside: true };
  return trimmed === "" ? undefined : { url: trimmed, inside: false };
}

/** `${__field.labels.job}`, `${__value.text}`, `${__data.fields.Name}`, `${__series.name}`. */
function dataValue(name: string, path: string | undefined, field: Field, frame: Frame, row: number, scope: Scope): Found | undefined {
  const found = (value: unknown): Found => ({ name, value: String(value ?? ""), text: String(value ?? "") });
  const keys = keysOf(path ?? "");
  switch (name) {
    case "__field":
      if (keys[0] === "labels") return found(keys.length > 1 ? own(field.labels, keys.slice(1).join(".")) : JSON.stringify(field.labels ?? {}));
      return found(keys[0] === "displayName" || keys[0] === undefined ? (field.displayName ?? field.name) : field.name);
    case "__series":
      return found(frame.name ?? field.displayName ?? field.name);
    case "__value":
      return found(valuePart(keys[0], field, frame, row, scope));
    case "__data": {
      if (keys[0] === "refId") return found(frame.refId);
      if (keys[0] !== "fields" || keys[1] === undefined) return undefined;
      const at = Number(keys[1]);
      const other = frame.fields.find((one) => one.displayName === keys[1] || one.name === keys[1]) ?? (Number.isInteger(at) ? frame.fields[at] : undefined);
      return other && found(valuePart(keys[2] ?? "text", other, frame, row, scope));
    }
  }
  return undefined;
}

/** `fields["a b"].text`, `fields.a`, `fields[0]`. */
const keysOf = (path: string): string[] => [...path.matchAll(/\["([^"]*)"\]|\['([^']*)'\]|\[(\d+)\]|([^.[\]]+)/g)].map((m) => m[1] ?? m[2] ?? m[3] ?? m[4] ?? "");

function valuePart(part: string | undefined, field: Field, frame: Frame, row: number, scope: Scope): unknown {
  const value = field.values[row];
  switch (part) {
    case "time": {
      const time = frame.fields.find((one) => one.type === "time");
      return time?.values[row];
    }
    case "raw":
    case undefined:
      return value;
    case "numeric":
      return Number(value);
  }
  const shown = displayOf(field, "dark", scope.timezone, scope.nowMs)(value);
  return `${shown.prefix ?? ""}${shown.text}${shown.suffix ?? ""}`;
}
