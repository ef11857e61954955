/**
 * show: dashboards from before the grid (`rows[]` with spans) get positions.
 *
 * In: the classic JSON. Out: panels with `gridPos`, rows as panels where they have a title, fold or repeat; `undefined` when there are no rows.
 */
import { flag, list, number, object, objects, text, type Json } from "../loose";
import type { Path } from "../wrap";

const LINE_PX = 38;

export function upgradeRows(classic: Json, prefix: Path, paths: Map<Json, Path>): Json[] | undefined {
  const rows = objects(classic.rows);
  if (rows.length === 0 || list(classic.panels).length > 0) return undefined;
  const shown = rows.some((row) => flag(row.collapse) || flag(row.showTitle) || text(row.repeat) !== "");
  const out: Json[] = [];
  let y = 0;
  rows.forEach((row, at) => {
    const path: Path = [...prefix, "rows", list(classic.rows).indexOf(row) < 0 ? at : list(classic.rows).indexOf(row)];
    const collapsed = flag(row.collapse);
    const head: Json = { type: "row", title: flag(row.showTitle, true) ? row.title : "", collapsed, repeat: row.repeat, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] };
    if (shown) y += 1;
    const laid = lay(row, y, path, paths);
    if (shown) out.push(head);
    if (shown && collapsed) head.panels = laid.panels;
    else {
      out.push(...laid.panels);
      y = laid.y;
    }
  });
  return out;
}

/** Left to right, a new line where there is no room. */
function lay(row: Json, top: number, path: Path, paths: Map<Json, Path>): { panels: Json[]; y: number } {
  const rowLines = lines(row.height, 250);
  let [x, y, line] = [0, top, 0];
  const panels = list(row.panels).flatMap((raw, at) => {
    const panel = object(raw);
    if (Object.keys(panel).length === 0) return [];
    objects(panel.targets).forEach((target) => paths.set(target, [...path, "panels", at, "targets", list(panel.targets).indexOf(target)]));
    const w = Math.min(24, Math.max(1, Math.floor(number(panel.span) ?? 4) * 2));
    const h = panel.height === undefined ? rowLines : lines(panel.height, 250);
    if (x + w > 24) [x, y, line] = [0, y + line, 0];
    const placed = { ...panel, gridPos: { x, y, w, h } };
    x += w;
    line = Math.max(line, h);
    return [placed];
  });
  return { panels, y: y + line };
}

function lines(height: unknown, otherwise: number): number {
  const px = number(typeof height === "string" ? height.replace("px", "") : height) ?? otherwise;
  return Math.min(100, Math.max(3, Math.ceil(Math.max(90, px) / LINE_PX)));
}
