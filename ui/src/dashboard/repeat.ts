/**
 * show: panels and rows that repeat for each value of a variable become that many, with positions; what is under them moves down.
 *
 * In: panels of a dashboard and the values of its variables. Out: panels, each with the one value it stands for in `scoped`; the input is not changed.
 */
import { ALL } from "./interpolate";
import type { Panel, Scope, VariableValue } from "./model";

/** Copies of one panel or row. */
export const REPEAT_MAX = 100;

type Variables = Scope["variables"];

export interface Repeated {
  panels: Panel[];
  /** Copies that the bound left out. */
  dropped: number;
}

interface Section {
  row?: Panel;
  panels: Panel[];
}

export function expandRepeats(panels: readonly Panel[], variables: Variables): Repeated {
  const counted = { dropped: 0, ids: new Set(panels.flatMap((panel) => [panel.id, ...(panel.panels ?? []).map((inner) => inner.id)])) };
  const out: Panel[] = [];
  let shift = 0;
  for (const section of sections(panels)) {
    const values = section.row?.repeat ? valuesOf(section.row.repeat.variable, variables, counted) : undefined;
    const top = section.row?.grid.y ?? 0;
    const copies = values && values.length > 0 ? values : [undefined];
    copies.forEach((value, at) => {
      const made = expandSection(section, value, at, variables, counted);
      for (const panel of made.panels) out.push({ ...panel, grid: { ...panel.grid, y: panel.grid.y + shift } });
      shift += made.grown;
      if (at < copies.length - 1) shift += height(section, top);
    });
  }
  return { panels: out, dropped: counted.dropped };
}

/** A row and what stands under it. */
function sections(panels: readonly Panel[]): Section[] {
  const out: Section[] = [{ panels: [] }];
  for (const panel of panels) {
    if (panel.type === "row") out.push({ row: panel, panels: [] });
    else out[out.length - 1]!.panels.push(panel);
  }
  return out.filter((section) => section.row || section.panels.length > 0);
}

function height(section: Section, top: number): number {
  const bottoms = section.panels.map((panel) => panel.grid.y + panel.grid.h);
  return Math.max(section.row ? top + section.row.grid.h : top, ...bottoms) - top;
}

interface Counted {
  dropped: number;
  ids: Set<number>;
}

function expandSection(section: Section, value: VariableValue | undefined, copy: number, variables: Variables, counted: Counted): { panels: Panel[]; grown: number } {
  const scoped = value && section.row?.repeat ? { [section.row.repeat.variable]: value } : undefined;
  const mine = (panel: Panel): Panel => ({ ...panel, id: copy === 0 ? panel.id : freshId(counted), ...(scoped ? { scoped: { ...panel.scoped, ...scoped } } : {}) });
  const inner = expandPanels(section.panels.map(mine), variables, counted);
  if (!section.row) return inner;
  const row = mine(section.row);
  if (row.panels && row.panels.length > 0) row.panels = expandPanels(row.panels.map(mine), variables, counted).panels;
  return { panels: [row, ...inner.panels], grown: inner.grown };
}

function expandPanels(panels: Panel[], variables: Variables, counted: Counted): { panels: Panel[]; grown: number } {
  const out: Panel[] = [];
  let grown = 0;
  let line = { y: -1, grown: 0 };
  for (const panel of panels) {
    if (panel.grid.y >= line.y) {
      grown += line.grown;
      line = { y: Infinity, grown: 0 };
    }
    const grid = { ...panel.grid, y: panel.grid.y + grown };
    const values = panel.repeat ? valuesOf(panel.repeat.variable, variables, counted, panel.scoped) : [];
    if (!panel.repeat || values.length === 0) {
      out.push({ ...panel, grid });
      continue;
    }
    const copies = copiesOf({ ...panel, grid }, values, counted);
    out.push(...copies);
    const bottom = Math.max(...copies.map((copy) => copy.grid.y + copy.grid.h));
    line = { y: Math.min(line.y, panel.grid.y + panel.grid.h), grown: Math.max(line.grown, bottom - grid.y - grid.h) };
  }
  return { panels: out, grown: grown + line.grown };
}

function copiesOf(panel: Panel, values: VariableValue[], counted: Counted): Panel[] {
  const { variable, direction, maxPerRow } = panel.repeat!;
  const across = Math.min(values.length, Math.max(1, maxPerRow));
  const w = Math.max(1, Math.floor(24 / across));
  return values.map((value, at) => {
    const grid =
      direction === "v"
        ? { ...panel.grid, y: panel.grid.y + at * panel.grid.h }
        : { ...panel.grid, x: (at % across) * w, w, y: panel.grid.y + Math.floor(at / across) * panel.grid.h };
    return { ...panel, id: at === 0 ? panel.id : freshId(counted), grid, scoped: { ...panel.scoped, [variable]: value } };
  });
}

function freshId(counted: Counted): number {
  let id = 1_000_000 + counted.ids.size;
  while (counted.ids.has(id)) id++;
  counted.ids.add(id);
  return id;
}

/** The values that a repetition goes through: what was chosen, or everything. */
function valuesOf(name: string, variables: Variables, counted: { dropped: number }, scoped?: Record<string, VariableValue>): VariableValue[] {
  const entry = Object.hasOwn(variables, name) ? variables[name] : undefined;
  const current = scoped?.[name] ?? entry?.current;
  if (!entry || !current) return [];
  const chosen = (Array.isArray(current.value) ? current.value : [current.value]).filter((value) => value !== "");
  const options = entry.variable.options.filter((one) => one.value !== ALL);
  const all = chosen.includes(ALL) ? options : chosen.map((value) => options.find((one) => one.value === value) ?? { text: value, value });
  counted.dropped += Math.max(0, all.length - REPEAT_MAX);
  return all.slice(0, REPEAT_MAX);
}
