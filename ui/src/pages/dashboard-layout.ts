/**
 * show: which panels a tab has, and where panels stand when rows are open or closed. Pure. In: panels in the file's order (repetitions made), which rows a person opened or closed. Out: panels with
 * places; what is inside closed rows is left out, what is below moves up.
 */
import type { Panel } from "../dashboard/model";

export interface Placed {
  panel: Panel;
  x: number;
  y: number;
  w: number;
  h: number;
  /** Of a row: whether it is open, and how many panels it has. */
  open?: boolean;
  inside?: number;
}

export interface Tab {
  /** In the address: `dtab=SLUG`, as Grafana has it. */
  slug: string;
  row: Panel;
  panels: Panel[];
}

/** Tabs with what belongs to them; empty: the dashboard has none. */
export function tabsOf(panels: readonly Panel[], title: (row: Panel) => string): Tab[] {
  const out: Tab[] = [];
  for (const panel of panels) {
    if (!panel.tab) {
      out.at(-1)?.panels.push(panel);
      continue;
    }
    const plain = title(panel).toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "tab";
    const same = out.filter((tab) => tab.slug === plain || tab.slug.startsWith(`${plain}__`)).length;
    out.push({ slug: same > 0 ? `${plain}__${same + 1}` : plain, row: panel, panels: [] });
  }
  return out;
}

interface Section {
  row?: Panel;
  panels: Panel[];
}

export function placedPanels(panels: readonly Panel[], turned: ReadonlySet<number>): Placed[] {
  const out: Placed[] = [];
  let cursor = 0;
  /** The closed row whose inside is left out, and its place in `out`. */
  let closed: { depth: number; at: Placed } | undefined;
  for (const section of sections(panels)) {
    const { row } = section;
    if (closed && row && (row.depth ?? 0) > closed.depth) {
      closed.at.inside! += section.panels.length;
      continue;
    }
    const open = !row || row.headless === true || Boolean(row.collapsed) === turned.has(row.id);
    closed = undefined;
    if (row && !row.headless) {
      const line: Placed = { panel: row, x: 0, y: cursor, w: 24, h: 1, open, inside: section.panels.length };
      out.push(line);
      cursor += 1;
      if (!open) closed = { depth: row.depth ?? 0, at: line };
    }
    if (!open || section.panels.length === 0) continue;
    // As in Grafana a panel moves up until it meets another, whatever gaps the file has, and two that lie on each other come one below the other. So panels of a
    // closed row may have the places from when it was closed, wherever it went since.
    const bottoms = new Array<number>(24).fill(cursor);
    for (const panel of inOrder(section.panels)) {
      const { x, w, h } = bounded(panel);
      const y = Math.max(...bottoms.slice(x, x + w));
      out.push({ panel, x, y, w, h });
      bottoms.fill(y + h, x, x + w);
    }
    cursor = Math.max(...bottoms);
  }
  return out;
}

/** From above to below, from left to right; what says the same place, in the file's order. */
const inOrder = (panels: readonly Panel[]): Panel[] => [...panels].sort((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x);

function sections(panels: readonly Panel[]): Section[] {
  const out: Section[] = [];
  for (const panel of panels) {
    if (panel.type === "row") out.push({ row: panel, panels: [...(panel.panels ?? [])] });
    else if (out.length === 0) out.push({ panels: [panel] });
    else out.at(-1)!.panels.push(panel);
  }
  return out;
}

/** Sizes that a grid of 24 columns can have, whatever the file says. */
function bounded(panel: Panel): { x: number; w: number; h: number } {
  const w = Math.min(24, Math.max(1, Math.round(panel.grid.w) || 12));
  const x = Math.min(24 - w, Math.max(0, Math.round(panel.grid.x) || 0));
  return { x, w, h: Math.min(80, Math.max(1, Math.round(panel.grid.h) || 8)) };
}
