/**
 * show: what every drawing of a panel gets and uses. The one place where panels/ meets dashboard/.
 */
import { displayOf as displayIn, displayText, seriesColor as colorIn } from "../dashboard/display";
import type { Annotation, Dashboard, Display, DisplayValue, Field, Frame, Panel, PanelData, Scope } from "../dashboard/model";
import { fieldName } from "../dashboard/names";
import { reducerName, reduceField } from "../dashboard/reduce";
import { visible } from "../parts/text";
import { scheme } from "./theme";

export interface Shown {
  panel: Panel;
  data: PanelData;
  scope: Scope;
  /** Shared crosshair: charts of the same group. */
  group?: string;
  sharedTip?: boolean;
  zoom?: (fromMs: number, toMs: number) => void;
  zoomOut?: () => void;
  /** Variables put into a text. */
  fill?: (text: string) => string;
  dashboard?: Dashboard;
}

export type { Annotation, Display, DisplayValue, Field, Frame, PanelData };

export const displayOf = (field: Field, timezone?: string): Display => displayIn(field, scheme.value, timezone);

export const colorOf = (field: Field): string => colorIn(field, scheme.value);

export const nameOf = (field: Field, frame: Frame, frames: Frame[]): string => visible(field.displayName ?? fieldName(field, frame, frames));

export const reduce = (calc: string, field: Pick<Field, "type" | "values">): unknown => reduceField(field, calc);

export const calcTitle = reducerName;

export const shownText = (value: DisplayValue): string => visible(displayText(value));

/** Words of an option, with a default when the file says something else. */
export function option<T extends string>(options: Record<string, unknown>, name: string, words: readonly [T, ...T[]]): T {
  return words.find((word) => word === options[name]) ?? words[0];
}

export function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

export const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : []);
