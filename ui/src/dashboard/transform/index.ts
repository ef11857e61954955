/**
 * show: transformations of a panel, one after the other. One file each; a new one is a file and a line here.
 *
 * In: frames and the list of the panel's JSON. Out: frames; one that is not known is passed over and said.
 */
import type { Frame, Transformation } from "../model";

export type Transform = (frames: Frame[], options: Record<string, unknown>) => Frame[];

const KNOWN: Record<string, Transform> = {};

export function transform(frames: Frame[], steps: readonly Transformation[]): { frames: Frame[]; warnings: string[] } {
  const warnings: string[] = [];
  let out = frames;
  for (const step of steps) {
    if (step.disabled || (step.topic ?? "series") !== "series") continue;
    const known = Object.hasOwn(KNOWN, step.id) ? KNOWN[step.id] : undefined;
    if (!known) warnings.push(`the transformation "${step.id}" is not known here and was passed over`);
    else out = known(out, step.options);
  }
  return { frames: out, warnings };
}
