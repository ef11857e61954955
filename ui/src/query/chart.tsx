/**
 * show: one chart over time. In: lines on one grid of times, a threshold, bands (an alert fired), marks (a deployment), intervals around lines.
 * Out: a picture by uPlot with a tooltip; dragging calls `zoom`. Draws no legend: the page has a table for it. Never shows an empty frame: the
 * caller says why there is nothing.
 */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { number as num } from "../parts/number";
import { axisTimes, moment24 } from "./axis";
import "./chart.css";

export interface ChartLine {
  name: string;
  values: (number | null)[];
  colour: string;
  dash?: boolean;
  width?: number;
  /** Interval around the line. */
  low?: (number | null)[];
  high?: (number | null)[];
  /** Drawn with points: few values far from each other. */
  points?: boolean;
}

export interface ChartBand {
  from: number;
  to: number;
  kind: "firing" | "pending" | "silenced";
}

export interface ChartMark {
  at: number;
  text: string;
  colour: string;
}

export interface ChartProps {
  times: number[];
  lines: ChartLine[];
  height?: number;
  threshold?: { value: number; op: string };
  bands?: ChartBand[];
  marks?: ChartMark[];
  /** The range in seconds; that of `times` when absent. */
  from?: number;
  to?: number;
  zoom?: (from: number, to: number) => void;
  /** For screen readers: what is seen. */
  label: string;
  format?: (value: number | null) => string;
  /** Draw lines as stacked areas. */
  area?: boolean;
}

export const PALETTE = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((index) => `--chart-${index}`);

/** The colour of the nth line. */
export function colourOf(index: number): string {
  return PALETTE[index % PALETTE.length] ?? "--chart-1";
}

export function TimeChart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = props.lines.map((line) => `${line.colour}${line.dash}${line.low ? 1 : 0}${line.points}`).join() + props.height + (props.area ? "a" : "");
  useEffect(() => {
    const el = place.current;
    if (!el) return;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(el, latest), data(latest.current), el);
    };
    make();
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: el.clientWidth, height: latest.current.height ?? 220 }));
    watch.observe(el);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", make);
    return () => {
      watch.disconnect();
      scheme.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data(props)), [props.times, props.lines, props.threshold?.value, props.bands, props.marks, props.from, props.to]);
  return <div class="chart" ref={place} role="img" aria-label={props.label} />;
}

/** Lines, then low and high of those that have an interval. */
function data({ times, lines }: ChartProps): uPlot.AlignedData {
  const out: (number | null)[][] = lines.map((line) => line.values);
  for (const line of lines) if (line.low && line.high) out.push(line.high, line.low);
  return [times, ...out] as uPlot.AlignedData;
}

function options(el: HTMLElement, latest: { current: ChartProps }): uPlot.Options {
  const { lines, height = 220, area } = latest.current;
  const colour = (name: string) => (name.startsWith("--") ? getComputedStyle(el).getPropertyValue(name).trim() || "#888" : name);
  const quiet = colour("--quiet");
  const axis = { stroke: quiet, grid: { stroke: colour("--grid-line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const series: uPlot.Series[] = [{}];
  for (const line of lines) {
    const stroke = colour(line.colour);
    series.push({
      stroke,
      width: line.width ?? 1.5,
      dash: line.dash ? [5, 4] : undefined,
      fill: area ? `${stroke}2e` : undefined,
      points: { show: line.points ? true : undefined, size: line.points ? 5 : 4 },
      spanGaps: line.points ?? false,
    });
  }
  const bands: uPlot.Band[] = [];
  for (const line of lines) {
    if (!line.low || !line.high) continue;
    bands.push({ series: [series.length, series.length + 1], fill: `${colour(line.colour)}26` });
    for (let side = 0; side < 2; side += 1) series.push({ stroke: "transparent", width: 0, points: { show: false }, spanGaps: line.points ?? false });
  }
  return {
    width: el.clientWidth || 600,
    height,
    series,
    bands,
    legend: { show: false },
    padding: [8, 10, 0, 0],
    cursor: { drag: { x: latest.current.zoom !== undefined, y: false, setScale: false }, points: { size: 6 }, y: false },
    scales: {
      x: { time: true, range: (_, low, high) => [latest.current.from ?? low, latest.current.to ?? high] },
      y: { range: (_, low, high) => room(low, high, latest.current.threshold?.value) },
    },
    axes: [
      { ...axis, values: (_, splits) => axisTimes(splits), space: 70, size: 28 },
      { ...axis, values: (_, splits) => splits.map((value) => (latest.current.format ?? num)(value)), size: (self, values) => wide(self, values), space: 34 },
    ],
    hooks: {
      drawClear: [(self) => drawBands(self, latest.current.bands ?? [], colour)],
      draw: [(self) => drawLines(self, latest.current, colour)],
      setSelect: [
        (self) => {
          if (self.select.width < 8) return;
          const [from, to] = [self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x")];
          self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          latest.current.zoom?.(from, to);
        },
      ],
    },
    plugins: [tooltip(latest, colour)],
  };
}

/** Room above and below, and the threshold in sight when it is not too far off. */
function room(low: number | null, high: number | null, threshold: number | undefined): [number, number] {
  let [from, to] = [low ?? threshold ?? 0, high ?? threshold ?? 1];
  if (threshold !== undefined) [from, to] = [Math.min(from, threshold), Math.max(to, threshold)];
  if (from === to) [from, to] = from === 0 ? [0, 1] : [from - Math.abs(from) * 0.1, to + Math.abs(to) * 0.1];
  if (from > 0 && from < (to - from) * 0.6) from = 0;
  const extra = (to - from) * 0.08;
  return [from === 0 ? 0 : from - extra, to === 0 ? 0 : to + extra];
}

function wide(self: uPlot, values: string[] | null): number {
  const longest = Math.max(2, ...(values ?? []).map((value) => value?.length ?? 0));
  return Math.min(Math.ceil(longest * 6.6) + 14, self.width / 3);
}

function drawBands(self: uPlot, bands: ChartBand[], colour: (name: string) => string): void {
  const { ctx, bbox } = self;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const band of bands) {
    const [left, right] = [self.valToPos(band.from, "x", true), self.valToPos(band.to, "x", true)];
    ctx.fillStyle = `${colour(band.kind === "firing" ? "--bad" : band.kind === "pending" ? "--warn" : "--quiet")}22`;
    ctx.fillRect(left, bbox.top, Math.max(right - left, 1), bbox.height);
  }
  ctx.restore();
}

function drawLines(self: uPlot, { threshold, marks = [] }: ChartProps, colour: (name: string) => string): void {
  const { ctx, bbox } = self;
  const ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  if (threshold) {
    const y = self.valToPos(threshold.value, "y", true);
    ctx.strokeStyle = ctx.fillStyle = colour("--bad");
    ctx.lineWidth = ratio;
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.textAlign = "right";
    ctx.fillText(`${threshold.op} ${num(threshold.value)}`, bbox.left + bbox.width - 4 * ratio, y - 4 * ratio < bbox.top + 10 * ratio ? y + 12 * ratio : y - 4 * ratio);
  }
  ctx.textAlign = "left";
  let [lastX, row] = [-1e9, 0];
  for (const mark of marks) {
    const x = self.valToPos(mark.at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    // Texts that would lie on each other go one line lower, at most three.
    row = x - lastX < ctx.measureText(mark.text).width + 8 * ratio ? (row + 1) % 3 : 0;
    lastX = x;
    ctx.strokeStyle = ctx.fillStyle = colour(mark.colour);
    ctx.lineWidth = ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillText(mark.text, x + 4 * ratio, bbox.top + (11 + row * 13) * ratio);
  }
  ctx.restore();
}

const TIP_LINES_MAX = 14;

function tooltip(latest: { current: ChartProps }, colour: (name: string) => string): uPlot.Plugin {
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;
  return {
    hooks: {
      init: (self) => void self.over.append(tip),
      setCursor: (self) => {
        const { idx, left = -1, top = 0 } = self.cursor;
        const { times, lines, format = num, marks = [] } = latest.current;
        const at = idx === null || idx === undefined ? undefined : times[idx];
        tip.hidden = left < 0 || at === undefined;
        if (tip.hidden || at === undefined || idx === null || idx === undefined) return;
        const said = lines.map((line) => ({ line, value: line.values[idx] ?? null })).filter(({ value }) => value !== null);
        said.sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
        const rows = said.slice(0, TIP_LINES_MAX).map(({ line, value }) => {
          const row = document.createElement("div");
          const dot = document.createElement("i");
          dot.style.background = colour(line.colour);
          const name = document.createElement("bdi");
          name.textContent = line.name.length > 90 ? `${line.name.slice(0, 90)}…` : line.name;
          const amount = document.createElement("b");
          const [low, high] = [line.low?.[idx], line.high?.[idx]];
          amount.textContent = format(value) + (low !== null && low !== undefined && high !== null && high !== undefined ? ` (${format(low)} to ${format(high)})` : "");
          row.append(dot, name, amount);
          return row;
        });
        const head = document.createElement("time");
        head.textContent = moment24(at);
        const near = marks.filter((mark) => Math.abs(self.valToPos(mark.at, "x") - left) < 6).map((mark) => {
          const row = document.createElement("div");
          row.textContent = `${moment24(mark.at)} ${mark.text}`;
          return row;
        });
        if (said.length > TIP_LINES_MAX) rows.push(Object.assign(document.createElement("div"), { textContent: `and ${said.length - TIP_LINES_MAX} more` }));
        if (said.length === 0) rows.push(Object.assign(document.createElement("div"), { textContent: "no value here" }));
        tip.replaceChildren(head, ...rows, ...near);
        const half = self.over.clientWidth / 2;
        tip.style.left = left < half ? `${left + 14}px` : "auto";
        tip.style.right = left < half ? "auto" : `${self.over.clientWidth - left + 14}px`;
        tip.style.top = `${Math.max(0, Math.min(top - 10, self.over.clientHeight - tip.clientHeight))}px`;
      },
    },
  };
}
