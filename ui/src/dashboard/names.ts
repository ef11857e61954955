/**
 * show: what a column is called in legends, headings and matchers: a name of the config, of the legend, or made of frame, field and labels.
 *
 * In: a field, its frame, all frames of the panel. Out: a name, two fields never the same by accident.
 */
import type { Field, Frame } from "./model";

export const VALUE = "Value";
export const TIME = "Time";

/** Without the config's `displayName`: what matchers see. */
export function fieldName(field: Field, frame: Frame, frames: Frame[]): string {
  const given = field.config.displayName;
  if (given !== undefined && given !== "") return given.includes("${__") ? fillName(given, field, frame, frames) : given;
  return baseName(field, frame, frames);
}

function baseName(field: Field, frame: Frame, frames: Frame[]): string {
  if (field.config.displayNameFromDS) return field.config.displayNameFromDS;
  if (field.type === "time" && !field.labels) return field.name || TIME;
  const parts: string[] = [];
  const framesDiffer = frames.length > 1 && frames.some((one) => one.name !== frames[0]!.name);
  const usesFieldName = field.name !== "" && field.name !== VALUE;
  if (framesDiffer && frame.name) parts.push(frame.name);
  if (usesFieldName) parts.push(field.name);
  if (field.labels && Object.keys(field.labels).length > 0) {
    const single = singleLabel(frames);
    const shown = single === undefined ? braces(field.labels) : (field.labels[single] ?? "");
    if (shown !== "") parts.push(shown);
  }
  if (parts.length === 0) parts.push(frame.name && !framesDiffer && frames.length > 0 ? frame.name : field.name || VALUE);
  return parts.join(" ");
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
    if (keys[0] === "labels") return keys.length > 1 ? (field.labels?.[keys.slice(1).join(".")] ?? "") : braces(field.labels ?? {});
    return whole;
  });
}

/** Names of all fields of all frames; the second and later of the same name get a number, as Grafana numbers them. */
export function allNames(frames: Frame[]): Map<Field, string> {
  const out = new Map<Field, string>();
  const seen = new Map<string, Field[]>();
  for (const frame of frames) {
    for (const field of frame.fields) {
      const name = fieldName(field, frame, frames);
      out.set(field, name);
      if (field.type === "time") continue;
      const same = seen.get(name);
      if (same) same.push(field);
      else seen.set(name, [field]);
    }
  }
  for (const [name, fields] of seen) {
    if (fields.length < 2) continue;
    fields.forEach((field, at) => {
      if (!field.config.displayName) out.set(field, `${name} ${at + 1}`);
    });
  }
  return out;
}
