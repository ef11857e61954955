/**
 * show: Grafana's colours as CSS colours, in a light and a dark scheme. Pure.
 *
 * In: a name (`dark-red`), `#hex`, `rgb(...)`, `transparent`, a palette's index, or a mode and a position between 0 and 1. Out: a CSS colour. A name nobody
 * knows becomes grey, never an error. In the light scheme the steps of a hue go the other way, so that `light-*` can be read on white too.
 */

/** Whether colours are asked for a dark scheme. One switch for the document: panels/theme.ts keeps it in step with the system. */
let darkNow = false;

export const useDark = (dark: boolean): void => void (darkNow = dark);
export const isDark = (): boolean => darkNow;

/** super-light, light, plain, semi-dark, dark: [light scheme, dark scheme]. */
const HUES: Record<string, [string, string][]> = {
  red: [["#AD0317", "#FFA6B0"], ["#C4162A", "#FF7383"], ["#E02F44", "#F2495C"], ["#F2495C", "#E02F44"], ["#FF7383", "#C4162A"]],
  orange: [["#E55400", "#FFCB7D"], ["#FA6400", "#FFB357"], ["#FF780A", "#FF9830"], ["#FF9830", "#FF780A"], ["#FFB357", "#FA6400"]],
  yellow: [["#CC9D00", "#FFF899"], ["#E0B400", "#FFEE52"], ["#F2CC0C", "#FADE2A"], ["#FADE2A", "#F2CC0C"], ["#FFEE52", "#E0B400"]],
  green: [["#19730E", "#C8F2C2"], ["#37872D", "#96D98D"], ["#56A64B", "#73BF69"], ["#73BF69", "#56A64B"], ["#96D98D", "#37872D"]],
  blue: [["#1250B0", "#C0D8FF"], ["#1F60C4", "#8AB8FF"], ["#3274D9", "#5794F2"], ["#5794F2", "#3274D9"], ["#8AB8FF", "#1F60C4"]],
  purple: [["#7C2EA3", "#DEB6F2"], ["#8F3BB8", "#CA95E5"], ["#A352CC", "#B877D9"], ["#B877D9", "#A352CC"], ["#CA95E5", "#8F3BB8"]],
};
const SHADES = ["super-light-", "light-", "", "semi-dark-", "dark-"];

/** The order in which series take colours. */
const PALETTE = (
  "green semi-dark-yellow light-blue semi-dark-orange red blue purple #705DA0 dark-green yellow #447EBC #C15C17 #890F02 #0A437C #6D1F62 #584477 #B7DBAB #F4D598 #70DBED #F9BA8F #F29191 #82B5D8 #E5A8E2 " +
  "#AEA2E0 #629E51 #E5AC0E #64B0C8 #E0752D #BF1B00 #0A50A1 #962D82 #614D93 #9AC48A #F2C96D #65C5DB #F9934E #EA6460 #5195CE #D683CE #806EB7 #3F6833 #967302 #2F575E #99440A #58140C #052B51 #511749 #3F2B5B"
).split(" ");

const WORDS: Record<string, [string, string]> = {
  transparent: ["transparent", "transparent"],
  text: ["#1f2328", "#e3e6ea"],
  white: ["#ffffff", "#ffffff"],
  black: ["#000000", "#000000"],
  grey: ["#808080", "#808080"],
  gray: ["#808080", "#808080"],
  panel: ["#ffffff", "#1b1f23"],
};

/** A name or a CSS colour, as a CSS colour of the scheme. Nothing but colours comes out, whatever a file says. */
export function cssColor(name: string | undefined, dark = darkNow): string {
  const word = (name ?? "").trim();
  const known = WORDS[word.toLowerCase()];
  if (known) return known[dark ? 1 : 0];
  const shade = SHADES.findIndex((start) => start !== "" && word.startsWith(start));
  const hue = HUES[shade < 0 ? word : word.slice(SHADES[shade]!.length)];
  if (hue) return hue[shade < 0 ? 2 : shade]![dark ? 1 : 0];
  if (/^#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i.test(word)) return word;
  if (/^(rgb|rgba|hsl|hsla)\([0-9.,%\s/]{1,60}\)$/i.test(word)) return word;
  if (/^[a-z]{3,24}$/i.test(word)) return CSS_WORDS.has(word.toLowerCase()) ? word.toLowerCase() : "#808080";
  return "#808080";
}

const CSS_WORDS = new Set(
  "aqua beige brown coral crimson cyan fuchsia gold indigo ivory khaki lavender lime magenta maroon navy olive orchid pink plum salmon sienna silver tan teal tomato turquoise violet wheat steelblue skyblue darkred darkgreen darkblue darkorange lightblue lightgreen".split(" "),
);

/** The colour of the series at this index. */
export const paletteColor = (index: number, dark = darkNow): string => cssColor(PALETTE[((index % PALETTE.length) + PALETTE.length) % PALETTE.length], dark);

/** `palette-classic-by-name`: the same name has the same colour everywhere. */
export function paletteByName(name: string, dark = darkNow): string {
  let hash = 0;
  for (let at = 0; at < name.length && at < 1000; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) | 0;
  return paletteColor(Math.abs(hash), dark);
}

/** Stops of `continuous-*` modes and of heatmaps' schemes, low to high. */
const RAMPS: Record<string, string[]> = {
  GrYlRd: ["green", "yellow", "red"],
  RdYlGr: ["red", "yellow", "green"],
  BlYlRd: ["dark-blue", "super-light-yellow", "dark-red"],
  YlRd: ["super-light-yellow", "dark-red"],
  BlPu: ["blue", "purple"],
  YlBl: ["super-light-yellow", "dark-blue"],
  blues: ["panel", "dark-blue"],
  reds: ["panel", "dark-red"],
  greens: ["panel", "dark-green"],
  purples: ["panel", "dark-purple"],
};
/** Perceptual ramps as matplotlib and ColorBrewer publish them, low to high. */
const SCHEMES: Record<string, string[]> = {
  viridis: ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"],
  magma: ["#000004", "#1d1147", "#51127c", "#832681", "#b73779", "#e75263", "#fc8961", "#fec488", "#fcfdbf"],
  inferno: ["#000004", "#210c4a", "#57106e", "#8a226a", "#bc3754", "#e45a31", "#f98e09", "#f9cb35", "#fcffa4"],
  plasma: ["#0d0887", "#4c02a1", "#7e03a8", "#aa2395", "#cc4778", "#e66c5c", "#f89540", "#fdc527", "#f0f921"],
  turbo: ["#30123b", "#4662d7", "#36aaf9", "#1ae4b6", "#72fe5e", "#c8ef34", "#faba39", "#f66b19", "#ca2a04", "#7a0403"],
  oranges: ["#fff5eb", "#fdd0a2", "#fdae6b", "#fd8d3c", "#e6550d", "#a63603"],
  blues: ["#f7fbff", "#c6dbef", "#9ecae1", "#6baed6", "#3182bd", "#08519c"],
  greens: ["#f7fcf5", "#c7e9c0", "#a1d99b", "#74c476", "#31a354", "#006d2c"],
  reds: ["#fff5f0", "#fcbba1", "#fc9272", "#fb6a4a", "#de2d26", "#a50f15"],
  purples: ["#fcfbfd", "#dadaeb", "#bcbddc", "#9e9ac8", "#756bb1", "#54278f"],
  greys: ["#ffffff", "#d9d9d9", "#bdbdbd", "#969696", "#636363", "#252525"],
  spectral: ["#5e4fa2", "#3288bd", "#66c2a5", "#e6f598", "#fee08b", "#f46d43", "#d53e4f", "#9e0142"],
  rdylgn: ["#1a9850", "#91cf60", "#d9ef8b", "#fee08b", "#fc8d59", "#d73027"],
  ylorrd: ["#ffffcc", "#fed976", "#feb24c", "#fd8d3c", "#f03b20", "#bd0026", "#800026"],
  rdbu: ["#2166ac", "#67a9cf", "#d1e5f0", "#fddbc7", "#ef8a62", "#b2182b"],
};

/** `continuous-GrYlRd` and its like at a position between 0 and 1. */
export function rampColor(mode: string, position: number, dark = darkNow): string {
  const name = mode.replace(/^continuous-/, "");
  const stops = SCHEMES[name] ?? (RAMPS[name] ?? RAMPS.GrYlRd!).map((stop) => cssColor(stop, dark));
  return mix(RAMPS[name] ? RAMPS[name]!.map((stop) => cssColor(stop, dark)) : stops, position);
}

/** A heatmap's scheme (`Oranges`, `Spectral`) at a position between 0 and 1. */
export function schemeColor(scheme: string, position: number): string {
  return mix(SCHEMES[scheme.toLowerCase()] ?? SCHEMES.oranges!, position);
}

function mix(stops: string[], position: number): string {
  const at = Math.min(1, Math.max(0, Number.isFinite(position) ? position : 0)) * (stops.length - 1);
  const low = channels(stops[Math.floor(at)]!);
  const high = channels(stops[Math.ceil(at)]!);
  const part = at - Math.floor(at);
  return `rgb(${low.map((value, index) => Math.round(value + (high[index]! - value) * part)).join(", ")})`;
}

/** Red, green, blue of a colour; grey when it is not written as hex or rgb. */
export function channels(color: string): [number, number, number] {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])[0-9a-f]?$/i.exec(color);
  if (short) return [17 * parseInt(short[1]!, 16), 17 * parseInt(short[2]!, 16), 17 * parseInt(short[3]!, 16)];
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(color);
  if (long) return [parseInt(long[1]!, 16), parseInt(long[2]!, 16), parseInt(long[3]!, 16)];
  const rgb = /^rgba?\(\s*([0-9.]+)[\s,]+([0-9.]+)[\s,]+([0-9.]+)/i.exec(color);
  if (rgb) return [Number(rgb[1]), Number(rgb[2]), Number(rgb[3])];
  return [128, 128, 128];
}

/** The colour with this opacity, 0 to 1. */
export function fade(color: string, opacity: number): string {
  if (color === "transparent") return color;
  const [red, green, blue] = channels(color);
  return `rgba(${red}, ${green}, ${blue}, ${Math.round(opacity * 1000) / 1000})`;
}

/** Black or white, whichever is read better on this colour. */
export function inkOn(color: string): string {
  const [red, green, blue] = channels(color);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 150 ? "#1f2328" : "#ffffff";
}
