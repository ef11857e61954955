/** show: which route a path belongs to, and how a name of others becomes a part of a path. Pure. `:name` is a part, `*` the rest. Parts come encoded and leave decoded. */
import type { Route } from "./routes";

/** The route of a path and its parts; undefined when there is none. */
export function match(path: string, routes: Route[]): { route: Route; params: Record<string, string> } | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  for (const route of routes) {
    const params = fit(route.path.split("/").filter((part) => part !== ""), parts);
    if (params) return { route, params };
  }
  return undefined;
}

function fit(wanted: string[], parts: string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, want] of wanted.entries()) {
    if (want === "*") {
      params.rest = parts.slice(index).map(decoded).join("/");
      return params;
    }
    const part = parts[index];
    if (part === undefined) return undefined;
    if (want.startsWith(":")) params[want.slice(1)] = decoded(part);
    else if (want !== decoded(part)) return undefined;
  }
  return parts.length === wanted.length ? params : undefined;
}

/**
 * A name as a part of an address, of a page or of `api/bellbuoy`. Browsers take `..` for the folder above however it is written, so such a name gets a `~` before it, and
 * one that begins with a `~` another one.
 */
export const encoded = (name: string): string => (/^(~|\.{1,2}$)/.test(name) ? "~" : "") + encodeURIComponent(name);

/** A part with a lone `%` stays as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part).replace(/^~(?=~|\.{1,2}$)/, "");
  } catch {
    return part;
  }
}
