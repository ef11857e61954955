/**
 * show: the scheme of the system as a signal, colours for the scheme that is on, and those of style.css for canvases, which cannot read variables.
 *
 * Out: `scheme` (changes redraw charts), dashboard/colors.ts for it, `ink(name)`. Holds nothing else.
 */
import { signal, type ReadonlySignal } from "@preact/signals";

import * as colors from "../dashboard/colors";

const media = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : undefined;
const now = signal<"light" | "dark">(media?.matches ? "dark" : "light");
media?.addEventListener("change", () => {
  known.clear();
  now.value = media.matches ? "dark" : "light";
});

export const scheme: ReadonlySignal<"light" | "dark"> = now;

export const cssColor = (name: string | undefined): string => colors.colorByName(name, now.value);
/** `continuous-GrYlRd` and its like at a position between 0 and 1. */
export const rampColor = (mode: string, position: number): string => colors.continuousColor(mode, position, now.value) ?? cssColor("text");
/** A heatmap's scheme at a position between 0 and 1. */
export const schemeColor = (name: string, position: number): string => colors.schemeColor(name, position, now.value);
/** Of the nth line of a chart. */
export const lineColor = (index: number): string => colors.paletteColor(index, now.value);
/** Darker or lighter until text in it can be read on a card. */
export const legible = (color: string, ratio?: number): string => colors.legible(color, now.value, ratio);
export const { channels, fade, inkOn } = colors;

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
