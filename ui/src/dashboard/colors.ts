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
  "continuous-viridis": ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"],
  "continuous-magma": ["#000004", "#3b0f70", "#8c2981", "#de4968", "#fe9f6d", "#fcfdbf"],
  "continuous-plasma": ["#0d0887", "#6a00a8", "#b12a90", "#e16462", "#fca636", "#f0f921"],
  "continuous-inferno": ["#000004", "#420a68", "#932667", "#dd513a", "#fca50a", "#fcffa4"],
  "continuous-cividis": ["#002051", "#35456c", "#666970", "#948e77", "#c8b866", "#fdea45"],
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
  const at = Math.min(1, Math.max(0, Number.isFinite(percent) ? percent : 0)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const [a, b] = [stops[low]!, stops[low + 1]!];
  const mixed = a.map((from, i) => Math.round(from + (b[i]! - from) * (at - low)));
  return `rgb(${mixed.join(", ")})`;
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
