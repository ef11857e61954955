/**
 * show: links that a file gives to values. In: `links` of a field with Grafana's placeholders, a row. Out: an anchor, or its children alone.
 * Only http, https, mailto and places of this server are followed; a link to Grafana's `/d/UID` leads to our page of it.
 */
import type { ComponentChildren } from "preact";

import type { DisplayValue, Field, Frame, Link } from "../dashboard/model";
import { base } from "../router";
import { shownText } from "./kit";

interface Props {
  field: Field;
  frame: Frame;
  row: number;
  value: DisplayValue;
  fill?: (text: string) => string;
  class?: string;
  style?: Record<string, string>;
  children: ComponentChildren;
}

export function Linked({ field, frame, row, value, fill, class: className, style, children }: Props) {
  const link = field.config.links?.[0];
  const url = link ? safeUrl(filled(link, field, frame, row, value, fill)) : undefined;
  if (!link || !url) return className ? <div class={className} style={style}>{children}</div> : <>{children}</>;
  return (
    <a class={className} style={style} href={url} title={link.title} target={link.newTab ? "_blank" : undefined} rel="noopener noreferrer">
      {children}
    </a>
  );
}

function filled(link: Link, field: Field, frame: Frame, row: number, value: DisplayValue, fill?: (text: string) => string): string {
  const cell = (name: string): string => {
    const found = frame.fields.find((other) => other.name === name || other.displayName === name || other.config.displayName === name) ?? frame.fields[Number(name)];
    return found ? String(found.values[row] ?? "") : "";
  };
  const own = link.url.replace(/\$\{(__value|__data\.fields|__field|__series|__cell)((?:\.[\w-]+|\[["']?[^\]"']+["']?\])*)(?::[a-z]+)?\}/g, (whole, root: string, rest: string) => {
    const keys = [...rest.matchAll(/\.([\w-]+)|\[["']?([^\]"']+)["']?\]/g)].map((found) => found[1] ?? found[2] ?? "");
    const text =
      root === "__value" || root === "__cell"
        ? keys[0] === "text" ? shownText(value) : keys[0] === "time" ? String(frame.fields.find((other) => other.type === "time")?.values[row] ?? "") : Number.isFinite(value.numeric) ? String(value.numeric) : value.text
        : root === "__data.fields" ? cell(keys[0] ?? "")
        : root === "__series" ? (field.displayName ?? field.name)
        : keys[0] === "labels" ? (field.labels?.[keys[1] ?? ""] ?? "")
        : keys[0] === "name" ? field.name
        : whole;
    return text === whole ? whole : encodeURIComponent(text);
  });
  return fill ? fill(own) : own;
}

/** An address that may be followed, or undefined. */
export function safeUrl(url: string): string | undefined {
  const text = url.trim();
  const ours = /^\/?(?:grafana\/)?d\/([\w-]+)(?:\/[^?#]*)?(\?[^#]*)?/.exec(text.replace(/^https?:\/\/[^/]*(?=\/(grafana\/)?d\/)/, ""));
  if (ours && !/^https?:/i.test(text)) return `${base}dashboards/${ours[1]}${ours[2] ?? ""}`;
  try {
    const parsed = new URL(text, location.href);
    return ["http:", "https:", "mailto:"].includes(parsed.protocol) ? text : undefined;
  } catch {
    return undefined;
  }
}
