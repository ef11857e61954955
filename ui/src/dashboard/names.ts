/**
 * show: what a column is called in legends, headings and matchers: a name of the config, of the legend, or made of frame, field and labels.
 *
 * In: a field, its frame, all frames of the panel. Out: a name, two fields never the same by accident.
 */
import { own } from "./loose";
import type { Field, Frame } from "./model";

export const VALUE = "Value";
export const TIME = "Time";

/** Without the config's `displayName`: what matchers see. */
export function fieldName(field: Field, frame: Frame, frames: Frame[]): string {
  const given = field.config.displayName;
  if (given !== undefined && given !== "") return given.includes("${__") ? fillName(given, field, frame, frames) : given;
  const { names } = knownOf(frames);
  const known = names.get(field);
  if (known !== undefined) return known;
  const name = baseName(field, frame, frames);
  names.set(field, name);
  return name;
}

/** What is found out once for all frames of a panel: names are asked for again and again, of thousands of series. */
interface Known {
  count: number;
  /** The frames' names are not all the same. */
  differ: boolean;
  single: string | undefined;
  names: Map<Field, string>;
}

const knowns = new WeakMap<Frame[], Known>();

function knownOf(frames: Frame[]): Known {
  const known = knowns.get(frames);
  if (known?.count === frames.length) return known;
  const made = { count: frames.length, differ: frames.some((one) => one.name !== frames[0]!.name), single: singleLabel(frames), names: new Map<Field, string>() };
  knowns.set(frames, made);
  return made;
}

function baseName(field: Field, frame: Frame, frames: Frame[]): string {
  if (field.config.displayNameFromDS) return field.config.displayNameFromDS;
  if (field.type === "time" && !field.labels) return field.name || TIME;
  const parts: string[] = [];
  const framesDiffer = knownOf(frames).differ;
  if (framesDiffer && frame.name) parts.push(frame.name);
  if (field.name !== "" && field.name !== VALUE) parts.push(field.name);
  const shown = field.labels ? labelText(field.labels, frames) : "";
  if (shown !== "") parts.push(shown);
  else if (field.name === VALUE && frame.name && !framesDiffer) parts.push(frame.name);
  const name = parts.length > 0 ? parts.join(" ") : field.name || VALUE;
  return name === field.name ? numbered(field, frame) : name;
}

function labelText(labels: Record<string, string>, frames: Frame[]): string {
  const { single } = knownOf(frames);
  return single === undefined ? braces(labels) : (labels[single] ?? "");
}

/** Columns of one frame that have the same name are numbered. */
function numbered(field: Field, frame: Frame): string {
  const same = frame.fields.filter((one) => one.name === field.name);
  return same.length > 1 ? `${field.name} ${same.indexOf(field) + 1}` : field.name;
}

export function braces(labels: Record<string, string>): string {
  const names = Object.keys(labels).sort();
  return names.length === 0 ? "" : `{${names.map((name) => `${name}="${labels[name]}"`).join(", ")}}`;
}

/** The one label name that all labels of all frames have, when it is the only one. */
function singleLabel(frames: Frame[]): string | undefined {
  let only: string | undefined;
  for (const frame of frames) {
    for (const field of frame.fields) {
      for (const name of Object.keys(field.labels ?? {})) {
        if (only === undefined) only = name;
        else if (only !== name) return undefined;
      }
    }
  }
  return only;
}

/** `${__field.labels.job}`, `${__field.name}`, `${__series.name}`, `${__field.displayName}`. */
function fillName(template: string, field: Field, frame: Frame, frames: Frame[]): string {
  const base = () => baseName({ ...field, config: { ...field.config, displayName: undefined } }, frame, frames);
  return template.replace(/\$\{__([a-z]+)((?:\.[^}.[\]]+|\["[^"]*"\])*)\}/gi, (whole, root: string, path: string) => {
    const keys = [...path.matchAll(/\.([^.[\]]+)|\["([^"]*)"\]/g)].map((m) => m[1] ?? m[2] ?? "");
    if (root === "series" && keys[0] === "name") return frame.name ?? base();
    if (root !== "field") return whole;
    if (keys[0] === "name" || keys[0] === "displayName") return keys[0] === "name" ? field.name : base();
    if (keys[0] === "labels") return keys.length > 1 ? (own(field.labels, keys.slice(1).join(".")) ?? "") : braces(field.labels ?? {});
    return whole;
  });
}

export function allNames(frames: Frame[]): Map<Field, string> {
  const out = new Map<Field, string>();
  for (const frame of frames) for (const field of frame.fields) out.set(field, fieldName(field, frame, frames));
  return out;
}
