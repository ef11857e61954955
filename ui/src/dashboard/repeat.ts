/**
 * show: panels and rows that repeat for each value of a variable become that many, with positions; what is under them moves down.
 *
 * In: panels of a dashboard and the values of its variables. Out: panels, each with the one value it stands for in `scoped`; the input is not changed.
 */
import { ALL } from "./interpolate";
import type { Panel, Scope, VariableValue } from "./model";

/** Copies of one panel or row. */
export const REPEAT_MAX = 100;
/** Copies of all of a dashboard: rows inside of rows multiply. */
export const COPIES_MAX = 2000;

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

interface Counted {
  dropped: number;
  made: number;
  ids: Set<number>;
}

export function expandRepeats(panels: readonly Panel[], variables: Variables): Repeated {
  const counted: Counted = { dropped: 0, made: 0, ids: new Set(panels.flatMap((panel) => [panel.id, ...(panel.panels ?? []).map((inner) => inner.id)])) };
  return { panels: expandSections(sections(panels), variables, counted).panels, dropped: counted.dropped };
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

/** A row or tab that repeats takes along the rows inside it. */
function expandSections(all: readonly Section[], variables: Variables, counted: Counted): { panels: Panel[]; grown: number } {
  const out: Panel[] = [];
  let grown = 0;
  for (let at = 0; at < all.length; ) {
    const end = endOf(all, at);
    const group = all.slice(at, end);
    at = end;
    const { row } = group[0]!;
    const values = row?.repeat ? valuesOf(row.repeat.variable, variables, counted, row.scoped) : [];
    const copies = row?.repeat && values.length > 0 ? values.map((value) => ({ [row.repeat!.variable]: value })) : [undefined];
    copies.forEach((scoped, copy) => {
      if (copy > 0 && !room(counted, sizeOf(group))) return;
      if (copy > 0) grown += heightOf(group);
      const [head, ...deeper] = group.map((section) => copied(section, scoped, copy > 0, counted));
      const top = expandSection(head!, variables, counted);
      const below = expandSections(deeper, variables, counted);
      for (const panel of top.panels) out.push({ ...panel, grid: { ...panel.grid, y: panel.grid.y + grown } });
      grown += top.grown;
      for (const panel of below.panels) out.push({ ...panel, grid: { ...panel.grid, y: panel.grid.y + grown } });
      grown += below.grown;
    });
  }
  return { panels: out, grown };
}

/** Behind the last section that is inside this one. */
function endOf(all: readonly Section[], at: number): number {
  const { row } = all[at]!;
  let end = at + 1;
  while (row && end < all.length && (all[end]!.row?.depth ?? 0) > (row.depth ?? 0)) end++;
  return end;
}

const sizeOf = (group: readonly Section[]): number => group.reduce((sum, { row, panels }) => sum + panels.length + (row ? 1 + (row.panels?.length ?? 0) : 0), 0);

function heightOf(group: readonly Section[]): number {
  const all = group.flatMap(({ row, panels }) => (row ? [row, ...panels] : panels)).map(({ grid }) => grid);
  return Math.max(...all.map(({ y, h }) => y + h)) - Math.min(...all.map(({ y }) => y));
}

function copied({ row, panels }: Section, scoped: Panel["scoped"], fresh: boolean, counted: Counted): Section {
  const mine = (panel: Panel): Panel => ({ ...panel, id: fresh ? freshId(counted) : panel.id, ...(scoped ? { scoped: { ...panel.scoped, ...scoped } } : {}) });
  return { row: row && { ...mine(row), panels: row.panels?.map(mine) }, panels: panels.map(mine) };
}

function expandSection({ row, panels }: Section, variables: Variables, counted: Counted): { panels: Panel[]; grown: number } {
  const made = expandPanels(panels, variables, counted);
  if (!row) return made;
  const inside = row.panels && row.panels.length > 0 ? expandPanels(row.panels, variables, counted).panels : row.panels;
  return { panels: [{ ...row, panels: inside }, ...made.panels], grown: made.grown };
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
  return values.filter((_, at) => at === 0 || room(counted, 1)).map((value, at) => {
    const grid =
      direction === "v"
        ? { ...panel.grid, y: panel.grid.y + at * panel.grid.h }
        : { ...panel.grid, x: (at % across) * w, w, y: panel.grid.y + Math.floor(at / across) * panel.grid.h };
    return { ...panel, id: at === 0 ? panel.id : freshId(counted), grid, scoped: { ...panel.scoped, [variable]: value } };
  });
}

/** Whether so many more may be made; what may not is counted. */
function room(counted: Counted, many: number): boolean {
  counted.made += many;
  if (counted.made <= COPIES_MAX) return true;
  counted.dropped++;
  return false;
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
