/**
 * show: the address of the page, as signals. Everything that a person chose (range, variables, tab) is in it, so that it can be pasted.
 *
 * In: clicks on links, back and forward. Out: `place` (path below the base, query). Never reloads the page for a link of ours.
 */
import { signal } from "@preact/signals";

import { encoded } from "./match";

export interface Place {
  /** Below the base, without slashes at its ends, its parts percent-encoded: a name may have a slash. `match` decodes. */
  path: string;
  query: URLSearchParams;
}

/** The folder that the pages are served from, with a slash at its end: `/ui/` by default. */
export const base = new URL(document.baseURI).pathname.replace(/[^/]*$/, "");

/** The program's root, beside the pages: where `/api` and `/metrics` are. */
export const root = base.replace(/ui\/$/, "");

export const place = signal<Place>(read());

/** The address of a page, for `href`: a path, or its parts where names of others are among them (`["alerts", name]`). */
export function href(path: string | readonly string[], query: Record<string, string | string[] | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== "") search.append(name, one);
  }
  const text = search.toString();
  return base + (typeof path === "string" ? path.split("/") : path).map(encoded).join("/") + (text ? `?${text}` : "");
}

export function go(address: string, how: "push" | "replace" = "push"): void {
  history[how === "push" ? "pushState" : "replaceState"](null, "", address);
  place.value = read();
}

/** Changes parts of the query and keeps the rest; `undefined` removes. Replaces the entry unless told to push. */
export function setQuery(changes: Record<string, string | string[] | undefined>, how: "push" | "replace" = "replace"): void {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== "") query.append(name, one);
  }
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : ""), how);
}

function read(): Place {
  const raw = location.pathname.startsWith(base) ? location.pathname.slice(base.length) : "";
  const path = raw
    .split("/")
    .filter((part) => part !== "")
    .join("/");
  return { path, query: new URLSearchParams(location.search) };
}

/** Follows clicks on our own links without loading the page again. Call once. */
export function follow(): void {
  addEventListener("popstate", () => (place.value = read()));
  document.addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || link.origin !== location.origin || !link.pathname.startsWith(base)) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
    scrollTo(0, 0);
  });
}
