/**
 * show: the panels state-timeline and status-history: one lane for each series, coloured by its value over time. In: frames with a time. Out: a canvas; a state-timeline joins
 * moments of the same value, a status-history draws a box for each moment.
 */
import { useCallback, useMemo, useState } from "preact/hooks";

import { Canvas, drawTimes, shorten, type Plane } from "./canvas";
import { displayOf, nameOf, option, record, shownText, type Shown } from "./kit";
import { Legend, legendOptions } from "./legend";
import { timeField } from "./lines";
import { Empty } from "./placeholder";
import { fade, FONT, ink, inkOn, scheme, textWidth } from "./theme";
import { spanText, timeText } from "./times";
import { showTip, type TipRow } from "./tip";
import { plural } from "../parts/number";

export interface Piece {
  fromMs: number;
  toMs: number;
  text: string;
  color: string;
}

export interface Lane {
  name: string;
  pieces: Piece[];
}

const LANES_MAX = 200;

export default function Lanes({ panel, data, scope, group, zoom }: Shown) {
  const history = panel.type === "status-history";
  const theme = scheme.value;
  const [page, setPage] = useState(0);
  const lanes = useMemo(() => lanesOf({ panel, data, scope }, history), [data, theme, panel]);
  const perPage = Math.max(1, Math.min(LANES_MAX, typeof panel.options.perPage === "number" ? panel.options.perPage : LANES_MAX));
  const shown = lanes.slice(page * perPage, (page + 1) * perPage);
  const fill = numberOr(panel.fieldConfig.defaults.custom.fillOpacity, history ? 70 : 70) / 100;
  const texts = option(panel.options, "showValue", ["auto", "always", "never"]);
  const rowHeight = Math.min(1, Math.max(0.1, numberOr(panel.options.rowHeight, 0.9)));
  const columnWidth = Math.min(1, Math.max(0.1, numberOr(panel.options.colWidth, 0.9)));
  const range = { fromMs: data.fromMs, toMs: data.toMs };

  const draw = useCallback(
    (ctx: CanvasRenderingContext2D, size: { width: number; height: number }): Plane => {
      const names = Math.min(size.width * 0.34, Math.max(0, ...shown.map((lane) => textWidth(lane.name.slice(0, 200)))) + 10);
      const plane = { left: Math.ceil(names), top: 4, width: Math.max(10, size.width - Math.ceil(names) - 8), height: Math.max(10, size.height - 28) };
      drawTimes(ctx, plane, range, scope.timezone, true);
      const step = plane.height / Math.max(1, shown.length);
      const thick = Math.max(2, step * rowHeight);
      const x = (ms: number) => plane.left + (Math.min(Math.max(ms, range.fromMs), range.toMs) - range.fromMs) * (plane.width / (range.toMs - range.fromMs));
      ctx.textBaseline = "middle";
      for (const [row, lane] of shown.entries()) {
        const top = plane.top + row * step + (step - thick) / 2;
        ctx.fillStyle = ink("--ink");
        ctx.textAlign = "right";
        if (step >= 9) ctx.fillText(shorten(lane.name, plane.left - 10), plane.left - 8, top + thick / 2);
        for (const piece of lane.pieces) {
          const left = x(piece.fromMs);
          const width = (x(piece.toMs) - left) * (history ? columnWidth : 1);
          if (width <= 0) continue;
          ctx.fillStyle = fade(piece.color, fill);
          ctx.fillRect(left, top, Math.max(1, width - (history ? 0 : 0.5)), thick);
          const room = textWidth(piece.text) + 8 < width;
          if (texts !== "never" && (room || (texts === "always" && width > 16)) && thick >= 11) {
            ctx.fillStyle = fill > 0.6 ? inkOn(piece.color) : ink("--ink");
            ctx.textAlign = "left";
            ctx.fillText(room ? piece.text : shorten(piece.text, width - 6), left + 4, top + thick / 2);
          }
        }
      }
      ctx.font = FONT;
      return plane;
    },
    [shown, theme, scope.timezone, data.fromMs, data.toMs],
  );
  const hover = (x: number, y: number, event: MouseEvent, owner: object) => {
    const target = event.currentTarget as HTMLElement;
    const names = Math.min(target.clientWidth * 0.34, Math.max(0, ...shown.map((lane) => textWidth(lane.name.slice(0, 200)))) + 10);
    const left = Math.ceil(names);
    const atMs = range.fromMs + ((x - left) / Math.max(10, target.clientWidth - left - 8)) * (range.toMs - range.fromMs);
    const row = Math.floor((y - 4) / (Math.max(10, target.clientHeight - 28) / Math.max(1, shown.length)));
    const many = option(record(panel.options.tooltip), "mode", ["single", "multi", "none"]);
    if (many === "none") return;
    const rows: TipRow[] = [];
    let foot = "";
    for (const [at, lane] of shown.entries()) {
      const piece = lane.pieces.find((one) => one.fromMs <= atMs && atMs < one.toMs);
      if (at === row && piece && !history) foot = `${timeText(piece.fromMs, scope.timezone)} to ${timeText(piece.toMs, scope.timezone)}, ${spanText(piece.toMs - piece.fromMs)}`;
      if (many === "multi" || at === row) rows.push({ color: piece?.color, name: lane.name, value: piece ? piece.text || "(no text)" : "no data", near: at === row });
    }
    showTip(owner, event.clientX, event.clientY, timeText(atMs, scope.timezone), rows, foot);
  };
  if (lanes.length === 0) return <Empty data={data} reason={data.frames.length ? "No column of times with values beside it: lanes over time need one." : undefined} />;
  const legend = legendOptions(panel.options, 300);
  const known = [...new Map(lanes.flatMap((lane) => lane.pieces).map((piece) => [piece.text, piece.color])).entries()];
  return (
    <div class="chart-panel bottom">
      <Canvas label={`${panel.title}: ${plural(lanes.length, "lane")}: ${lanes.slice(0, 8).map((lane) => `${lane.name.slice(0, 60)} ${lane.pieces.at(-1)?.text ?? ""}`).join(", ")}`} draw={draw} hover={hover} range={range} group={group} zoom={zoom} />
      {legend.show && known.length > 0 && known.length <= 12 && (
        <Legend options={{ ...legend, mode: "list", placement: "bottom" }} items={known.map(([name, color]) => ({ name, color, figures: [] }))} columns={[]} hidden={new Set()} choose={() => undefined} hover={() => undefined} />
      )}
      {lanes.length > perPage && (
        <div class="pager">
          <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>Before</button>
          <span>{page * perPage + 1} to {Math.min(lanes.length, (page + 1) * perPage)} of {lanes.length}</span>
          <button type="button" disabled={(page + 1) * perPage >= lanes.length} onClick={() => setPage(page + 1)}>Next</button>
        </div>
      )}
    </div>
  );
}

/** Pure: which colour each series has when. */
export function lanesOf({ panel, data, scope }: Pick<Shown, "panel" | "data" | "scope">, history: boolean): Lane[] {
  const merge = !history && panel.options.mergeValues !== false;
  const out: Lane[] = [];
  for (const frame of data.frames) {
    const time = timeField(frame);
    if (!time) continue;
    const times = time.values as number[];
    for (const field of frame.fields) {
      if (field === time || record(field.config.custom.hideFrom).viz === true || out.length >= 5000) continue;
      const display = displayOf(field, scope.timezone);
      const end = frame.fields.find((other) => other !== time && other.type === "time");
      if (field === end) continue;
      const lane: Lane = { name: nameOf(field, frame, data.frames), pieces: [] };
      const typical = data.stepMs || (times.length > 1 ? (times.at(-1)! - times[0]!) / (times.length - 1) : data.toMs - data.fromMs);
      for (let at = 0; at < times.length; at++) {
        const value = field.values[at];
        if (value === null || value === undefined) continue;
        const shown = display(value);
        const from = times[at]!;
        const next = times[at + 1] ?? data.toMs;
        const ended = end ? (end.values[at] as number | null) : null;
        // A box is as long as the step; a state lasts until the next moment, unless samples stopped.
        const to = ended ?? (history ? Math.min(next > from ? next : from + typical, from + typical) : next - from > typical * 2.5 && data.stepMs > 0 ? from + typical : next);
        const piece = { fromMs: from, toMs: Math.max(to, from + 1), text: shownText(shown), color: shown.color ?? "#808080" };
        const last = lane.pieces.at(-1);
        if (merge && last && last.text === piece.text && last.color === piece.color && last.toMs >= piece.fromMs) last.toMs = piece.toMs;
        else lane.pieces.push(piece);
      }
      out.push(lane);
    }
  }
  return out;
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === "number" && Number.isFinite(value) ? value : otherwise);
