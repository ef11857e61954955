/**
 * show: the panel text. In: markdown, HTML or code of a file. Out: what is left of it after DOMPurify: no scripts, forms, frames, nothing from other hosts. Styles are set one by one
 * through the CSSOM, from a short list, so that no file can lay anything over the page.
 */
import DOMPurify from "dompurify";
import { marked } from "marked";
import { useLayoutEffect, useRef } from "preact/hooks";

import { record, type Shown } from "./kit";
import { safeUrl } from "./links";

const TEXT_MAX = 200_000;

export default function Text({ panel, fill }: Shown) {
  const place = useRef<HTMLDivElement>(null);
  const mode = String(panel.options.mode ?? "markdown");
  const raw = String(panel.options.content ?? "").slice(0, TEXT_MAX);
  const content = fill ? fill(raw) : raw;
  useLayoutEffect(() => {
    if (mode !== "code") place.current?.replaceChildren(clean(mode === "html" ? content : (marked.parse(content, { async: false, gfm: true }) as string)));
  }, [mode, content]);
  if (mode === "code") return <pre class="text-panel code" tabIndex={0} data-language={String(record(panel.options.code).language ?? "")}>{content}</pre>;
  return <div class="text-panel" ref={place} />;
}

const STYLES = ["color", "background-color", "text-align", "font-size", "font-weight", "font-style", "line-height", "padding", "margin", "width", "height", "max-width", "border", "border-radius", "display", "vertical-align"];
/**
 * What a browser would complain about while it reads, though nothing of it is run: handlers and styles under other names. Not what makes the text safe; DOMPurify does that.
 */
function quiet(html: string): string {
  return html.replace(/<style[\s>][\s\S]*?(<\/style\s*>|$)/gi, "").replace(/<[a-z](?:[^>"']|"[^"]*"|'[^']*')*>?/gi, (tag) => tag.replace(/([\s/"'])style(\s*=)/gi, "$1data-style$2").replace(/([\s/"'])on(\w+\s*=)/gi, "$1data-no-$2"));
}

const TAGS =
  "a abbr b blockquote br caption center code col colgroup dd del details dfn div dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var".split(" ");

/** Nodes that can do nothing but be read and followed. */
export function clean(html: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(quiet(html), { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["href", "title", "alt", "src", "align", "colspan", "rowspan", "width", "height", "open", "start", "data-style", "datetime"], ADD_URI_SAFE_ATTR: ["data-style"], ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true });
  // Its list of what it took away names the elements that it took attributes from, and through them keeps the page alive that they are put into.
  DOMPurify.removed = [];
  for (const element of fragment.querySelectorAll<HTMLElement>("*")) {
    const style = element.getAttribute("data-style");
    element.removeAttribute("data-style");
    if (style) dress(element, style);
    if (element instanceof HTMLAnchorElement || element.localName === "a") follow(element as HTMLAnchorElement);
    if (element.localName === "img") local(element as HTMLImageElement);
  }
  return fragment;
}

function dress(element: HTMLElement, style: string): void {
  for (const part of style.slice(0, 2000).split(";")) {
    const at = part.indexOf(":");
    const name = part.slice(0, at).trim().toLowerCase();
    const value = part.slice(at + 1).trim();
    if (at < 0 || !STYLES.includes(name) || /url\s*\(|expression|@import|var\s*\(|\\/i.test(value)) continue;
    if (name === "display" && !/^(block|inline|inline-block|none|flex|grid)$/.test(value)) continue;
    element.style.setProperty(name, value);
  }
}

function follow(link: HTMLAnchorElement): void {
  const url = safeUrl(link.getAttribute("href") ?? "");
  if (!url) return link.removeAttribute("href");
  link.setAttribute("href", url);
  if (/^https?:/i.test(url)) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
}

/** Pages ask no other host: a picture from elsewhere becomes its address. */
function local(image: HTMLImageElement): void {
  const source = image.getAttribute("src") ?? "";
  if (/^data:image\/(png|jpeg|gif|webp);/i.test(source)) return;
  const link = document.createElement("a");
  link.textContent = image.getAttribute("alt") || "picture";
  if (/^https?:/i.test(source)) link.setAttribute("href", source);
  follow(link);
  image.replaceWith(link);
}
