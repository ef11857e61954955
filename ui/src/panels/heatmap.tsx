/** show: the panel heatmap: how many, when, and how large, as colours. In: frames of buckets or plain series. Out: a canvas, a scale of its colours. */
import { useCallback, useMemo } from "preact/hooks";

import { Canvas, drawTimes, shorten, type Plane } from "./canvas";
import { cellsOf, type Cells } from "./cells";
import { displayOf, option, record, shownText, type Field, type Shown } from "./kit";
import { Empty } from "./placeholder";
import type { Size } from "./size";
import { cssColor, fade, ink, scheme, schemeColor, textWidth } from "./theme";
import { timeText } from "./times";
import { showTip } from "./tip";
import { plural } from "../parts/number";

export default function Heatmap({ panel, data, scope, group, zoom }: Shown) {
  const theme = scheme.value;
  const { options } = panel;
  const cells = useMemo(() => cellsOf(data.frames, options, data.fromMs, data.toMs, data.stepMs), [data, panel]);
  const paint = useMemo(() => painter(cells, options), [cells, theme, panel]);
  const axis = record(options.yAxis);
  const own = data.frames.flatMap((frame) => frame.fields).find((field) => field.type === "number");
  const edgeField: Field = { name: "", type: "number", values: [], config: { unit: text(axis.unit) ?? "short", decimals: typeof axis.decimals === "number" ? axis.decimals : undefined, custom: {} } };
  const edge = displayOf(edgeField, scope.timezone);
  const count = displayOf(own && !own.config.unit ? { ...own, config: { ...own.config, unit: "short" } } : (own ?? edgeField), scope.timezone);
  const range = { fromMs: data.fromMs, toMs: data.toMs };
  const gap = Math.max(0, Math.min(10, typeof options.cellGap === "number" ? options.cellGap : 1));
  const upsideDown = axis.reverse === true;
  const hidden = axis.axisPlacement === "hidden";
  const right = axis.axisPlacement === "right";
  const layout = useCallback(
    (size: Size): Plane => {
      const names = cells && !hidden ? Math.min(size.width * 0.3, Math.max(20, ...edges(cells).map((band) => textWidth(label(band, edge)))) + 10) : 8;
      return { left: right ? 8 : Math.ceil(names), top: 6, width: Math.max(10, size.width - Math.ceil(names) - 8), height: Math.max(10, size.height - 30) };
    },
    [cells, theme],
  );
  const draw = useCallback(
    (ctx: CanvasRenderingContext2D, size: Size): Plane => {
      const plane = layout(size);
      if (!cells) return plane;
      drawTimes(ctx, plane, range, scope.timezone, false);
      const rowHeight = plane.height / cells.bands.length;
      const span = range.toMs - range.fromMs;
      ctx.save();
      ctx.beginPath();
      ctx.rect(plane.left, plane.top, plane.width, plane.height);
      ctx.clip();
      for (const [column, at] of cells.timesMs.entries()) {
        // A bucket's sample tells of the step that ended with it.
        const from = options.calculate === true ? at : at - cells.stepMs;
        const x = plane.left + ((from - range.fromMs) / span) * plane.width;
        const width = (cells.stepMs / span) * plane.width;
        for (const [band, value] of cells.counts[column]!.entries()) {
          const color = paint(value);
          if (!color) continue;
          const row = upsideDown ? band : cells.bands.length - 1 - band;
          const space = width > 4 ? gap : 0;
          ctx.fillStyle = color;
          ctx.fillRect(x, plane.top + row * rowHeight, Math.max(1, width - space), Math.max(1, rowHeight - (rowHeight > 4 ? gap : 0)));
        }
      }
      ctx.restore();
      if (hidden) return plane;
      ctx.fillStyle = ink("--quiet");
      ctx.textAlign = right ? "left" : "right";
      ctx.textBaseline = "middle";
      const every = Math.max(1, Math.ceil(14 / rowHeight));
      for (const [band, one] of cells.bands.entries()) {
        if (band % every !== 0 || (one.high === Infinity && rowHeight < 26)) continue;
        const row = upsideDown ? band : cells.bands.length - 1 - band;
        const y = one.name === "" || Number.isFinite(one.high) ? plane.top + row * rowHeight : plane.top + (row + 0.5) * rowHeight;
        const at = options.calculate === true || named(cells) ? plane.top + (row + (named(cells) ? 0.5 : 1)) * rowHeight : y;
        ctx.fillText(shorten(label(one, edge, options.calculate === true), plane.left - 8), right ? plane.left + plane.width + 6 : plane.left - 6, Math.min(plane.top + plane.height - 4, Math.max(plane.top + 5, at)));
      }
      return plane;
    },
    [cells, paint, theme, scope.timezone, data.fromMs, data.toMs],
  );
  const hover = (x: number, y: number, event: MouseEvent, owner: object) => {
    if (!cells || option(record(options.tooltip), "mode", ["single", "multi", "none"]) === "none" || record(options.tooltip).show === false) return;
    const target = event.currentTarget as HTMLElement;
    const plane = layout({ width: target.clientWidth, height: target.clientHeight });
    const atMs = range.fromMs + ((x - plane.left) / plane.width) * (range.toMs - range.fromMs) + (options.calculate === true ? 0 : cells.stepMs);
    const column = cells.timesMs.findIndex((at) => at <= atMs && atMs < at + cells.stepMs);
    const row = Math.min(cells.bands.length - 1, Math.max(0, Math.floor(((y - plane.top) / plane.height) * cells.bands.length)));
    const band = upsideDown ? row : cells.bands.length - 1 - row;
    const value = cells.counts[column]?.[band];
    const one = cells.bands[band]!;
    const from = cells.timesMs[column];
    if (from === undefined) return;
    showTip(owner, event.clientX, event.clientY, timeText(from, scope.timezone), [
      { name: named(cells) ? one.name : `${shownEdge(one.low, edge)} to ${shownEdge(one.high, edge)}`, value: value == null ? "no data" : shownText(count(value)), color: paint(value ?? null), near: true },
    ]);
  };
  if (!cells) return <Empty data={data} reason={data.frames.length ? "No numbers over time to make cells of." : undefined} />;
  return (
    <div class="chart-panel bottom">
      <Canvas label={`${panel.title}: heatmap of ${plural(cells.timesMs.length, "column")} and ${plural(cells.bands.length, "band")}, counts up to ${shownText(count(cells.max))}`} draw={draw} hover={hover} range={range} group={group} zoom={zoom} />
      {record(options.legend).show !== false && <ScaleBar cells={cells} paint={paint} text={(value) => shownText(count(value))} />}
    </div>
  );
}

const named = (cells: Cells): boolean => cells.bands.some((band) => band.name !== "" && Number.isNaN(Number(band.name.replace(/^\+?inf(inity)?$/i, "0"))));

function edges(cells: Cells): Cells["bands"] {
  return cells.bands;
}

type Format = (value: unknown) => { text: string; suffix?: string; prefix?: string; numeric: number };

const shownEdge = (value: number, edge: Format): string => (value === Infinity ? "∞" : value === -Infinity ? "-∞" : shownText(edge(value)));

function label(band: Cells["bands"][number], edge: Format, lower = false): string {
  if (band.name !== "" && Number.isNaN(Number(band.name.replace(/^\+?inf(inity)?$/i, "0")))) return band.name;
  return shownEdge(lower ? band.low : band.high, edge);
}

/** The colour of a count; undefined: nothing is drawn. */
function painter(cells: Cells | undefined, options: Record<string, unknown>): (value: number | null) => string | undefined {
  const color = record(options.color);
  const filter = record(options.filterValues);
  const low = typeof color.min === "number" ? color.min : 0;
  const high = typeof color.max === "number" ? color.max : (cells?.max ?? 1);
  const exponent = typeof color.exponent === "number" && color.exponent > 0 ? color.exponent : 0.5;
  const least = typeof filter.le === "number" ? filter.le : 1e-9;
  const most = typeof filter.ge === "number" ? filter.ge : Infinity;
  const opacity = color.mode === "opacity";
  const fill = cssColor(typeof color.fill === "string" ? color.fill : "dark-orange");
  const steps = Math.max(2, Math.min(128, typeof color.steps === "number" ? color.steps : 64));
  const schemeName = typeof color.scheme === "string" ? color.scheme : "Oranges";
  return (value) => {
    if (value === null || !Number.isFinite(value) || value <= least || value >= most) return undefined;
    const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 1;
    if (opacity) return fade(fill, 0.08 + 0.92 * (color.scale === "linear" ? share : share ** exponent));
    const at = Math.round(share * (steps - 1)) / (steps - 1);
    return schemeColor(schemeName, color.reverse === true ? 1 - at : at);
  };
}

function ScaleBar({ cells, paint, text }: { cells: Cells; paint: (value: number | null) => string | undefined; text: (value: number) => string }) {
  const low = Math.max(0, cells.min);
  return (
    <div class="scale-bar" aria-hidden="true">
      <span>{text(low)}</span>
      <i style={{ background: `linear-gradient(to right, ${Array.from({ length: 13 }, (_, at) => paint(low + ((cells.max - low) * at) / 12) ?? "transparent").join(", ")})` }} />
      <span>{text(cells.max)}</span>
    </div>
  );
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
