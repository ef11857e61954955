/**
 * show: texts that others chose, made safe to look at. Pure.
 *
 * A page draws them as text nodes, so nothing runs. What is left: marks that turn the direction of writing or cannot be seen at all
 * (they make one value look like another), and length.
 */

/** Cuts at `max` characters without tearing one in two. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = /[\uD800-\uDBFF]/.test(text.charAt(max - 1)) ? max - 1 : max;
  return text.slice(0, end);
}

// Controls, marks of direction and isolation, zero-width spaces, the byte order mark, soft hyphens. A joiner (U+200D) stays: emoji need it.
const UNSEEN = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/g;

/** Marks that cannot be seen are written as `⟨202E⟩`; line ends and tabs stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (mark) => `⟨${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** The same in one line. */
export function oneLine(text: string): string {
  return visible(text.replace(/\r\n?|\n/g, "↵").replace(/\t/g, "⇥"));
}

/** An address that a link may have: http, https or mailto; else undefined. */
export function safeUrl(address: string): string | undefined {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** `name="value"`, as a selector has it. */
export function matcher(name: string, value: string): string {
  return `${quotedName(name)}="${escaped(value)}"`;
}

/** `up{job="api"}` of the labels of a series. */
export function seriesText(labels: Record<string, string>): string {
  const { __name__: name, ...rest } = labels;
  const inside = Object.entries(rest).map(([key, value]) => matcher(key, value));
  const plain = name !== undefined && /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
  if (name !== undefined && !plain) inside.unshift(`"${escaped(name)}"`);
  return `${plain ? name : ""}${inside.length > 0 || !plain ? `{${inside.join(", ")}}` : ""}`;
}

function quotedName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : `"${escaped(name)}"`;
}

function escaped(text: string): string {
  return text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
