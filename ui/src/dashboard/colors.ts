/**
 * show: colours by the names that dashboards use, the palettes of series and of heatmaps, opacity, ink on a ground. Pure.
 *
 * In: a name (`green`, `dark-red`), `#rrggbb`, `rgb(...)`, a palette and a position. Out: a CSS colour for the theme. Never passes on a text that is
 * no colour. Drawings take most of it from panels/theme.ts, which knows the theme that is on.
 */
import type { Theme } from "./model";

const SHADES = ["super-light-", "light-", "", "semi-dark-", "dark-"];

/** Six shades of each hue, light to dark: the dark theme takes the first five, the light theme the last five. */
const HUES: Record<string, string[]> = {
  red: ["#FFA6B0", "#FF7383", "#F2495C", "#E02F44", "#C4162A", "#AD0317"],
  orange: ["#FFCB7D", "#FFB357", "#FF9830", "#FF780A", "#FA6400", "#E55400"],
  yellow: ["#FFF899", "#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400", "#CC9D00"],
  green: ["#C8F2C2", "#96D98D", "#73BF69", "#56A64B", "#37872D", "#19730E"],
  blue: ["#C0D8FF", "#8AB8FF", "#5794F2", "#3274D9", "#1F60C4", "#1250B0"],
  purple: ["#DEB6F2", "#CA95E5", "#B877D9", "#A352CC", "#8F3BB8", "#7C2EA3"],
};

/** In the order in which series take them. */
const CLASSIC = (
  "green semi-dark-yellow blue orange red purple dark-green dark-yellow dark-blue dark-orange dark-red dark-purple super-light-green super-light-yellow super-light-blue " +
  "super-light-orange super-light-red super-light-purple #447EBC #C15C17 #890F02 #0A437C #6D1F62 #584477 #B7DBAB #F4D598 #70DBED #F9BA8F #F29191 #82B5D8 #E5A8E2 #AEA2E0 #629E51 " +
  "#E5AC0E #64B0C8 #E0752D #BF1B00 #0A50A1 #962D82 #614D93 #9AC48A #F2C96D #65C5DB #F9934E #EA6460 #5195CE #D683CE #806EB7 #3F6833 #967302 #2F575E #99440A #58140C #052B51 " +
  "#511749 #3F2B5B #E0F9D7 #FCEACA #CFFAFF #F9E2D2 #FCE2DE #BADFF4 #F9D9F9 #DEDAF7"
).split(" ");

/** From low to high. `bg` is the panel's ground. */
const CONTINUOUS: Record<string, string[]> = {
  "continuous-GrYlRd": ["green", "yellow", "red"],
  "continuous-RdYlGr": ["red", "yellow", "green"],
  "continuous-BlYlRd": ["dark-blue", "super-light-yellow", "dark-red"],
  "continuous-YlRd": ["super-light-yellow", "dark-red"],
  "continuous-BlPu": ["blue", "purple"],
  "continuous-YlBl": ["super-light-yellow", "dark-blue"],
  "continuous-blues": ["bg", "dark-blue"],
  "continuous-reds": ["bg", "dark-red"],
  "continuous-greens": ["bg", "dark-green"],
  "continuous-purples": ["bg", "dark-purple"],
  "continuous-viridis": ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"],
  "continuous-magma": ["#000004", "#51127c", "#b73779", "#fc8961", "#fcfdbf"],
  "continuous-plasma": ["#0d0887", "#7e03a8", "#cc4778", "#f89540", "#f0f921"],
  "continuous-inferno": ["#000004", "#57106e", "#bc3754", "#f98e09", "#fcffa4"],
  "continuous-cividis": ["#002051", "#3c4d6e", "#7f7c75", "#bbaf71", "#fdea45"],
};

export const CONTINUOUS_MODES = Object.keys(CONTINUOUS);
const GROUND: Record<Theme, string> = { dark: "#181b1f", light: "#ffffff" };
const TEXT: Record<Theme, string> = { dark: "#ccccdc", light: "#24292e" };

const CSS_NAMES = /^(aqua|beige|black|brown|coral|cyan|crimson|darkblue|darkgreen|darkorange|darkred|fuchsia|gold|gray|grey|indigo|khaki|lavender|lime|magenta|maroon|navy|olive|pink|salmon|silver|skyblue|teal|tomato|violet|white|steelblue|royalblue|turquoise|orchid|plum|tan)$/i;
const CSS_COLOR = /^(#[0-9a-f]{3,4}|#[0-9a-f]{6}|#[0-9a-f]{8}|(rgb|rgba|hsl|hsla)\([\d\s.,%/]+\))$/i;

/** A CSS colour; what is none becomes the text's colour. */
export function colorByName(name: string | undefined, theme: Theme): string {
  if (name === undefined || name === "" || name === "text" || name === "inherit") return TEXT[theme];
  if (name === "transparent") return "rgba(0, 0, 0, 0)";
  if (name === "panel-bg" || name === "background" || name === "bg") return GROUND[theme];
  const hue = named(name, theme);
  if (hue) return hue;
  return CSS_COLOR.test(name) || CSS_NAMES.test(name) ? name : TEXT[theme];
}

function named(name: string, theme: Theme): string | undefined {
  const dash = name.lastIndexOf("-") + 1;
  const hue = Object.hasOwn(HUES, name.slice(dash)) ? HUES[name.slice(dash)]! : undefined;
  const at = SHADES.indexOf(name.slice(0, dash));
  return hue && at >= 0 ? hue[at + (theme === "light" ? 1 : 0)] : undefined;
}

/** The colour of the series at this position. */
export const paletteColor = (index: number, theme: Theme): string => colorByName(CLASSIC[index % CLASSIC.length], theme);

/** The same colour for the same name, wherever it stands. */
export function paletteColorByName(name: string, theme: Theme): string {
  let hash = 0;
  for (let at = 0; at < name.length; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) | 0;
  return paletteColor(Math.abs(hash), theme);
}

/** Between 0 and 1 on a continuous scale. `undefined`: no such scale. */
export function continuousColor(mode: string, percent: number, theme: Theme): string | undefined {
  const names = Object.hasOwn(CONTINUOUS, mode) ? CONTINUOUS[mode]! : undefined;
  if (!names) return undefined;
  const stops = names.map((name) => channels(colorByName(name, theme)));
  const at = Math.min(1, Math.max(0, Number.isNaN(percent) ? 0 : percent)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const smooth = stops.length === 3;
  const mixed = [0, 1, 2].map((i) => Math.round(smooth ? spline(stops.map((stop) => stop[i]!), low, at - low) : stops[low]![i]! + (stops[low + 1]![i]! - stops[low]![i]!) * (at - low)));
  return `rgb(${mixed.join(", ")})`;
}

/** A uniform cubic B-spline through the ends: three colours mix without an edge at the middle one. */
function spline(values: number[], low: number, t: number): number {
  const [b, c] = [values[low]!, values[low + 1]!];
  const a = low > 0 ? values[low - 1]! : 2 * b - c;
  const d = low < values.length - 2 ? values[low + 2]! : 2 * c - b;
  return ((1 - t) ** 3 * a + (4 - 6 * t ** 2 + 3 * t ** 3) * b + (1 + 3 * t + 3 * t ** 2 - 3 * t ** 3) * c + t ** 3 * d) / 6;
}

/** Red, green, blue of `#rrggbb`, `#rgb` or `rgb()`; grey for anything else. */
export function channels(color: string): [number, number, number] {
  const hex = /^#([0-9a-f]{6}|[0-9a-f]{3})/i.exec(color)?.[1];
  if (hex) {
    const wide = hex.length === 3 ? [...hex].map((c) => c + c).join("") : hex;
    return [0, 2, 4].map((at) => parseInt(wide.slice(at, at + 2), 16)) as [number, number, number];
  }
  const numbers = /^rgba?\(([^)]*)\)/i.exec(color)?.[1]?.split(/[\s,/]+/).map(Number);
  return numbers && numbers.length >= 3 && numbers.slice(0, 3).every(Number.isFinite) ? [numbers[0]!, numbers[1]!, numbers[2]!] : [128, 128, 128];
}

/** A shade of a colour: lighter and darker in turn, by position. */
export function shadeOf(color: string, index: number): string {
  const [r, g, b] = channels(color);
  const steps = [0, 0.25, -0.25, 0.45, -0.45, 0.15, -0.15, 0.35, -0.35];
  const by = steps[index % steps.length]!;
  const mix = (value: number) => Math.round(by >= 0 ? value + (255 - value) * by : value * (1 + by));
  return `rgb(${mix(r)}, ${mix(g)}, ${mix(b)})`;
}

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
export function schemeColor(scheme: string, position: number, theme: Theme): string {
  const name = scheme.toLowerCase();
  const stops = SCHEMES[name] ?? SCHEMES.oranges!;
  const dark = theme === "dark" && (FROM_WHITE.has(name) || !SCHEMES[name]);
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
export function legible(color: string, theme: Theme, ratio = 4.5): string {
  const ground = theme === "dark" ? "#1b1f23" : "#ffffff";
  const toward = theme === "dark" ? 255 : 0;
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
