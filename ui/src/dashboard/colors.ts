/**
 * show: colours by the names that dashboards use, and the palettes of series.
 *
 * In: a name (`green`, `dark-red`), `#rrggbb`, `rgb(...)`, a palette and a position. Out: a CSS colour for the theme. Never passes on a text that is
 * no colour.
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
