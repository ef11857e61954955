/**
 * show: the scheme of the system as a signal, and the colours of style.css for canvases, which cannot read variables.
 *
 * Out: `scheme` (changes redraw charts), `ink(name)`. Holds nothing else.
 */
import { signal, type ReadonlySignal } from "@preact/signals";

import { useTheme } from "./colors";

const media = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : undefined;
const now = signal<"light" | "dark">(media?.matches ? "dark" : "light");
useTheme(now.value);
media?.addEventListener("change", () => {
  useTheme(media.matches ? "dark" : "light");
  known.clear();
  now.value = media.matches ? "dark" : "light";
});

export const scheme: ReadonlySignal<"light" | "dark"> = now;

const known = new Map<string, string>();

/** A variable of style.css (`--line`) as the colour that it is now. */
export function ink(name: string): string {
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#808080";
    known.set(name, value);
  }
  return value;
}

export const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

let ruler: CanvasRenderingContext2D | null | undefined;

/** How wide a text is in CSS pixels. */
export function textWidth(text: string, font = FONT): number {
  ruler ??= document.createElement("canvas").getContext("2d");
  if (!ruler) return text.length * 6;
  ruler.font = font;
  return ruler.measureText(text).width;
}
