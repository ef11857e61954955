/**
 * show: what drawings need of colours beside dashboard/colors.ts: the scheme that is on now, heatmaps' schemes, opacity, ink on a ground.
 *
 * In: Grafana's names or CSS colours. Out: CSS colours. The scheme is one switch for the document; theme.ts keeps it in step with the system.
 */
import { channels, colorByName, continuousColor } from "../dashboard/colors";
import type { Theme } from "../dashboard/model";

let now: Theme = "light";

export const useTheme = (theme: Theme): void => void (now = theme);
export const themeNow = (): Theme => now;

export { channels };

export const cssColor = (name: string | undefined): string => colorByName(name, now);

/** `continuous-GrYlRd` and its like at a position between 0 and 1. */
export const rampColor = (mode: string, position: number): string => continuousColor(mode, position, now) ?? colorByName("text", now);

/** Perceptual ramps as matplotlib and ColorBrewer publish them, low to high. */
const SCHEMES: Record<string, string[]> = {
  viridis: ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"],
  magma: ["#000004", "#1d1147", "#51127c", "#832681", "#b73779", "#e75263", "#fc8961", "#fec488", "#fcfdbf"],
  inferno: ["#000004", "#210c4a", "#57106e", "#8a226a", "#bc3754", "#e45a31", "#f98e09", "#f9cb35", "#fcffa4"],
  plasma: ["#0d0887", "#4c02a1", "#7e03a8", "#aa2395", "#cc4778", "#e66c5c", "#f89540", "#fdc527", "#f0f921"],
  turbo: ["#30123b", "#4662d7", "#36aaf9", "#1ae4b6", "#72fe5e", "#c8ef34", "#faba39", "#f66b19", "#ca2a04", "#7a0403"],
  cividis: ["#002051", "#35456c", "#666970", "#948e77", "#c8b866", "#fdea45"],
  oranges: ["#fff5eb", "#fdd0a2", "#fdae6b", "#fd8d3c", "#e6550d", "#a63603"],
  blues: ["#f7fbff", "#c6dbef", "#9ecae1", "#6baed6", "#3182bd", "#08519c"],
  greens: ["#f7fcf5", "#c7e9c0", "#a1d99b", "#74c476", "#31a354", "#006d2c"],
  reds: ["#fff5f0", "#fcbba1", "#fc9272", "#fb6a4a", "#de2d26", "#a50f15"],
  purples: ["#fcfbfd", "#dadaeb", "#bcbddc", "#9e9ac8", "#756bb1", "#54278f"],
  greys: ["#ffffff", "#d9d9d9", "#bdbdbd", "#969696", "#636363", "#252525"],
  spectral: ["#5e4fa2", "#3288bd", "#66c2a5", "#e6f598", "#fee08b", "#f46d43", "#d53e4f", "#9e0142"],
  rdylgn: ["#1a9850", "#91cf60", "#d9ef8b", "#fee08b", "#fc8d59", "#d73027"],
  rdylbu: ["#4575b4", "#91bfdb", "#e0f3f8", "#fee090", "#fc8d59", "#d73027"],
  ylorrd: ["#ffffcc", "#fed976", "#feb24c", "#fd8d3c", "#f03b20", "#bd0026", "#800026"],
  rdbu: ["#2166ac", "#67a9cf", "#d1e5f0", "#fddbc7", "#ef8a62", "#b2182b"],
};
/** Ramps whose low end is the ground of the page: they turn round where the ground is dark. */
const FROM_WHITE = new Set(["oranges", "blues", "greens", "reds", "purples", "greys", "ylorrd"]);

/** A heatmap's scheme (`Oranges`, `Spectral`) at a position between 0 and 1. */
export function schemeColor(scheme: string, position: number): string {
  const name = scheme.toLowerCase();
  const stops = SCHEMES[name] ?? SCHEMES.oranges!;
  const dark = now === "dark" && (FROM_WHITE.has(name) || !SCHEMES[name]);
  return mix(dark ? ["#23282e", ...[...stops.slice(1)].reverse()] : stops, position);
}

function mix(stops: string[], position: number): string {
  const at = Math.min(1, Math.max(0, Number.isFinite(position) ? position : 0)) * (stops.length - 1);
  const low = channels(stops[Math.floor(at)]!);
  const high = channels(stops[Math.ceil(at)]!);
  const part = at - Math.floor(at);
  return `rgb(${low.map((value, index) => Math.round(value + (high[index]! - value) * part)).join(", ")})`;
}

/** The colour with this opacity, 0 to 1. */
export function fade(color: string, opacity: number): string {
  if (color === "transparent" || color === "rgba(0, 0, 0, 0)") return color;
  const [red, green, blue] = channels(color);
  return `rgba(${red}, ${green}, ${blue}, ${Math.round(opacity * 1000) / 1000})`;
}

/** Black or white, whichever is read better on this colour. */
export function inkOn(color: string): string {
  return contrast(color, "#14171a") >= contrast(color, "#ffffff") ? "#14171a" : "#ffffff";
}

/** The colour, darker or lighter until text in it can be read on a card: 4.5 for small text, 3 for large (WCAG). */
export function legible(color: string, ratio = 4.5): string {
  const ground = now === "dark" ? "#1b1f23" : "#ffffff";
  const toward = now === "dark" ? 255 : 0;
  let found = color;
  for (let step = 1; step <= 20 && contrast(found, ground) < ratio; step++) {
    found = `rgb(${channels(color).map((channel) => Math.round(channel + (toward - channel) * step * 0.05)).join(", ")})`;
  }
  return found;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red, green, blue] = channels(color).map((channel) => (channel <= 10 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
