/**
 * show: transformations of a panel, one after the other. A new one is a file and a line here.
 *
 * In: frames and the list of the panel's JSON. Out: frames; one that is not known is passed over and said.
 */
import { matcherOf } from "../fieldconfig";
import { text } from "../loose";
import type { Frame, Matcher, Transformation } from "../model";
import { calculateField } from "./calculate-field";
import { convertFieldType } from "./convert-field-type";
import { filterByValue } from "./filter-by-value";
import { filterFieldsByName } from "./filter-fields";
import { groupBy } from "./group-by";
import { joinByField } from "./join-by-field";
import { labelsToFields } from "./labels-to-fields";
import { merge } from "./merge";
import { organize } from "./organize";
import { prepareTimeSeries } from "./prepare-time-series";
import { reduce } from "./reduce-fields";
import { renameByRegex } from "./rename-by-regex";
import { concatenate, filterByRefId, groupingToMatrix, limit, rowsToFields, seriesToRows } from "./small";
import { sortBy } from "./sort-by";

export type Transform = (frames: Frame[], options: Record<string, unknown>) => Frame[];

export const TRANSFORMATIONS: Record<string, Transform> = {
  calculateField,
  concatenate,
  convertFieldType,
  filterByRefId,
  filterByValue,
  filterFieldsByName,
  groupBy,
  groupingToMatrix,
  joinByField,
  labelsToFields,
  limit,
  merge,
  noop: (frames) => frames,
  organize,
  prepareTimeSeries,
  reduce,
  renameByRegex,
  rowsToFields,
  seriesToColumns: joinByField,
  seriesToRows,
  sortBy,
};

export function transform(frames: Frame[], steps: readonly Transformation[]): { frames: Frame[]; warnings: string[] } {
  const warnings: string[] = [];
  let out = frames;
  for (const step of steps) {
    if (step.disabled || (step.topic ?? "series") !== "series") continue;
    const known = Object.hasOwn(TRANSFORMATIONS, step.id) ? TRANSFORMATIONS[step.id] : undefined;
    if (!known) warnings.push(`the transformation "${step.id}" is not known here and was passed over`);
    else out = step.filter ? onlyOn(step.filter, out, (some) => known(some, step.options)) : known(out, step.options);
  }
  return { frames: out, warnings };
}

/** The frames that the filter takes go through the step, the others stay behind them. */
function onlyOn(filter: Matcher, frames: Frame[], run: (frames: Frame[]) => Frame[]): Frame[] {
  const wanted = text(filter.options).split("|");
  const field = matcherOf(filter);
  const takes = (frame: Frame) =>
    filter.id === "byRefId" || filter.id === "byFrameRefID" ? wanted.includes(frame.refId ?? "") : filter.id === "byName" ? frame.name === filter.options : frame.fields.some((one) => field(one, frame, frames));
  const taken = frames.filter(takes);
  return [...run(taken), ...frames.filter((frame) => !taken.includes(frame))];
}
