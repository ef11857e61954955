/**
 * show: a chart of lines over time on uPlot: scales, axes, fills, stacks, thresholds, annotations, crosshair, tooltip, zoom by drag.
 *
 * In: `Drawn` (lines with names, colours and formats) and a place in the page. Out: a drawing; a drag calls `zoom`. One uPlot lives as long as the structure
 * stays the same: new values go in by `setData`, so an hour of refreshes makes no new chart. Never fetches.
 */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import type { Exemplar, ExemplarLink } from "../dashboard/exemplars";
import type { Annotation } from "../dashboard/model";
import { listen, point } from "./crosshair";
import { drawDiamonds } from "./diamonds";
import type { Line, Lines } from "./lines";
import { finite, rangeOf } from "./scale";
import { cssColor, fade, FONT, ink, rampColor, scheme, textWidth } from "./theme";
import { axisTimes, TIME_STEPS_MS, timeText, zoned } from "./times";
import { hideTip, showTip, type TipRow } from "./tip";
import "./chart.css";

export interface Drawn {
  lines: Lines;
  /** For each line. */
  names: string[];
  colors: string[];
  /** A value of it as people read it. */
  said: ((value: number) => string)[];
  /** More about a point in the tooltip. */
  more?: (line: number, index: number) => string;
  /** What stands along an axis of values; steps that people count in. */
  axisTexts: (splits: number[], line: Line, percent: boolean) => string[];
  axisSteps?: (line: Line, percent: boolean) => number[] | undefined;
  hidden: ReadonlySet<string>;
  fromMs: number;
  toMs: number;
  timezone: string;
  annotations: Annotation[];
  exemplars?: Exemplar[];
  exemplarLinks?: readonly ExemplarLink[];
  /** Stretches of time with a ground of their own. */
  areas?: { fromMs: number; toMs: number; color: string }[];
  /** One value across all, with its words. */
  limit?: { value: number; text: string; color: string };
  /** Annotations say their titles in the chart too: few, of one line. */
  titled?: boolean;
  tooltip: { mode: "single" | "multi" | "none"; sort: "none" | "asc" | "desc"; hideZeros: boolean };
  /** Charts of one group share the crosshair; absent: alone. */
  group?: string;
  sharedTip?: boolean;
  zoom?: (fromMs: number, toMs: number) => void;
  zoomOut?: () => void;
}

interface ScaleSpec {
  key: string;
  line: Line;
  side: 1 | 3;
  shown: boolean;
  zero: boolean;
  percent: boolean;
  members: number[];
}

const DOTS_MAX = 40;
const MARKS_MAX = 200;
const MARKS_BOLD_MAX = 8;

export class LineChart {
  private plot: uPlot | undefined;
  private signature = "";
  private scales: ScaleSpec[] = [];
  private stopListening: (() => void) | undefined;
  private hair: HTMLElement | undefined;
  private inside = false;

  constructor(
    private host: HTMLElement | undefined,
    private size: { width: number; height: number },
    private drawn: Drawn,
  ) {
    this.update(drawn);
  }

  update(drawn: Drawn): void {
    if (!this.host) return;
    this.drawn = drawn;
    const scales = scalesOf(drawn);
    const signature = this.sign(scales);
    if (this.plot && signature === this.signature) {
      this.scales = scales;
      this.plot.setData(dataOf(drawn));
      if (this.inside) this.tell();
      return;
    }
    this.drop();
    this.signature = signature;
    this.scales = scales;
    this.plot = new uPlot(this.options(), dataOf(drawn), this.host);
    this.addHair(this.plot);
  }

  resize(size: { width: number; height: number }): void {
    if (size.width === this.size.width && size.height === this.size.height) return;
    this.size = size;
    this.plot?.setSize(size);
  }

  /** Puts one line forward; undefined: all alike. */
  emphasize(name: string | undefined): void {
    const plot = this.plot;
    if (!plot) return;
    for (const [at, own] of this.drawn.names.entries()) plot.series[at + 1]!.alpha = name === undefined || own === name ? 1 : 0.15;
    plot.redraw(false, false);
  }

  destroy(): void {
    this.drop();
    // V8 keeps the scope of the first chart of all: an object with a getter is made in it. So that this is no whole panel with its data, charts let go themselves.
    this.host = undefined;
    this.scales = [];
    this.drawn = { ...this.drawn, lines: { ...this.drawn.lines, timesMs: [], lines: [] }, names: [], colors: [], said: [], annotations: [], zoom: undefined, zoomOut: undefined, more: undefined };
  }

  private drop(): void {
    hideTip(this);
    this.stopListening?.();
    this.stopListening = undefined;
    this.plot?.destroy();
    this.plot = undefined;
    this.hair = undefined;
    this.inside = false;
  }

  private sign(scales: ScaleSpec[]): string {
    const { lines, hidden, names, timezone, group } = this.drawn;
    return JSON.stringify([
      scheme.value,
      timezone,
      group,
      scales.map((spec) => [spec.key, spec.side, spec.shown, spec.zero]),
      lines.lines.map((line, at) => {
        const { hide: _, ...style } = line.custom;
        return [style, hidden.has(names[at]!), line.field.config.unit];
      }),
      lines.bands,
    ]);
  }

  private options(): uPlot.Options {
    const scales: uPlot.Scales = { x: { time: true, range: () => [this.drawn.fromMs, this.drawn.toMs] } };
    for (const spec of this.scales) scales[spec.key] = this.scale(spec);
    return {
      ...this.size,
      ms: 1,
      tzDate: dateIn(this.drawn.timezone),
      padding: [8, this.scales.some((spec) => spec.shown && spec.side === 1) ? 0 : (plot) => (withSeconds(this.drawn.toMs - this.drawn.fromMs, plot.width) ? 24 : 14), 0, this.scales.some((spec) => spec.shown && spec.side === 3) ? 0 : 10],
      legend: { show: false },
      series: [{}, ...this.drawn.lines.lines.map((line, at) => this.series(line, at))],
      bands: this.drawn.lines.bands.map(({ upper, lower }) => this.band(upper, lower)),
      scales,
      axes: [this.timeAxis(), ...this.scales.map((spec) => this.axis(spec))],
      cursor: {
        y: false,
        points: { show: this.drawn.lines.lines.length <= DOTS_MAX, size: 7, width: 2, stroke: (_, at) => this.color(at), fill: () => ink("--card") },
        drag: { x: this.drawn.zoom !== undefined, y: false, setScale: false, dist: 5 },
        bind: {
          dblclick: () => () => {
            this.drawn.zoomOut?.();
            return null;
          },
        },
      },
      hooks: {
        drawClear: [(plot) => this.drawBehind(plot)],
        draw: [(plot) => this.drawOver(plot)],
        setCursor: [(plot) => this.moved(plot)],
        setSelect: [(plot) => this.selected(plot)],
      },
    };
  }

  private color(at: number): string {
    return this.drawn.colors[at - 1] ?? "#808080";
  }

  private series(line: Line, at: number): uPlot.Series {
    const { custom } = line;
    const paths = uPlot.paths;
    const bars = custom.drawStyle === "bars";
    const isStep = custom.interpolation === "stepBefore" || custom.interpolation === "stepAfter";
    return {
      scale: this.scales.find((spec) => spec.members.includes(at))?.key,
      show: !this.drawn.hidden.has(this.drawn.names[at]!),
      width: custom.drawStyle === "points" ? 0 : custom.lineWidth,
      dash: custom.dash,
      spanGaps: custom.spanNulls === true,
      stroke: (plot, index) => this.stroke(plot, index, line),
      fill: custom.fillOpacity > 0 && custom.drawStyle !== "points" ? (plot, index) => this.fill(plot, index, line) : undefined,
      paths:
        custom.drawStyle === "points"
          ? () => null
          : bars
            ? paths.bars!({ align: custom.barAlignment, size: [custom.barWidth, 100, 1], radius: 0 })
            : isStep
              ? paths.stepped!({ align: custom.interpolation === "stepAfter" ? 1 : -1 })
              : custom.interpolation === "smooth"
                ? paths.spline!()
                : paths.linear!(),
      points: {
        show: custom.drawStyle === "points" || custom.points === "always" ? true : bars || custom.points === "never" ? false : undefined,
        size: Math.max(2, custom.pointSize),
        stroke: (_, index) => this.color(index),
        fill: (_, index) => this.color(index),
        filter: custom.points === "auto" && custom.drawStyle === "line" ? alone : undefined,
      },
    };
  }

  private stroke(plot: uPlot, at: number, line: Line): CanvasRenderingContext2D["strokeStyle"] {
    return line.custom.gradient === "scheme" && plot.bbox ? byValue(plot, line, 1) : this.color(at);
  }

  private fill(plot: uPlot, at: number, line: Line): CanvasRenderingContext2D["fillStyle"] {
    const opacity = Math.min(1, line.custom.fillOpacity / 100);
    const color = this.color(at);
    if (line.custom.gradient === "scheme") return byValue(plot, line, opacity);
    if (line.custom.gradient === "none") return fade(color, opacity);
    const { top, height } = plot.bbox;
    if (!Number.isFinite(top) || !(height > 0)) return fade(color, opacity);
    const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
    gradient.addColorStop(0, fade(color, opacity));
    gradient.addColorStop(1, fade(color, line.custom.gradient === "hue" ? opacity / 4 : 0.02));
    return gradient;
  }

  private band(upper: number, lower: number): uPlot.Band {
    const line = this.drawn.lines.lines[upper]!;
    return { series: [upper + 1, lower + 1], fill: (plot) => this.fill(plot, upper + 1, line) };
  }

  private scale(spec: ScaleSpec): uPlot.Scale {
    const { type, base, threshold } = spec.line.custom.scale;
    return {
      distr: type === "log" ? 3 : type === "symlog" ? 4 : 1,
      log: base,
      asinh: threshold,
      range: (_, low, high) => rangeOf(spec, this.drawn.lines.lines, low, high),
    };
  }

  private timeAxis(): uPlot.Axis {
    return {
      font: FONT,
      stroke: () => ink("--quiet"),
      grid: { stroke: () => ink("--grid-line"), width: 1 },
      ticks: { show: false },
      size: 24,
      gap: 6,
      incrs: TIME_STEPS_MS,
      // Room for a date, for seconds, for hours and minutes.
      space: (_, __, low, high, width) => (high - low > 86_400_000 ? 96 : withSeconds(high - low, width) ? 76 : 54),
      values: (_, splits, __, ___, step) => axisTimes(splits, step, this.drawn.timezone),
    };
  }

  private axis(spec: ScaleSpec): uPlot.Axis {
    const { custom } = spec.line;
    const log = custom.scale.type === "log";
    return {
      scale: spec.key,
      side: spec.side,
      show: spec.shown,
      font: FONT,
      stroke: () => ink("--quiet"),
      grid: { show: spec === this.scales.find((other) => other.shown), stroke: () => ink("--grid-line"), width: 1, ...(log ? { filter: (_: uPlot, splits: number[]) => splits.map((split) => (isPower(split, custom.scale.base) ? split : null)) } : {}) },
      ticks: { show: false },
      gap: 6,
      space: log ? 22 : 30,
      incrs: log || custom.scale.type === "symlog" ? undefined : this.drawn.axisSteps?.(spec.line, spec.percent),
      label: custom.axisLabel || undefined,
      labelFont: FONT,
      labelSize: 18,
      labelGap: 2,
      size: (_, values) => custom.axisWidth ?? Math.ceil(Math.max(22, ...(values ?? []).map((value) => textWidth(value ?? "")))) + 12,
      values: (_, splits) => this.drawn.axisTexts(splits, spec.line, spec.percent),
    };
  }

  /** Areas of thresholds and of annotations, below the lines. */
  private drawBehind(plot: uPlot): void {
    for (const spec of this.scales) {
      const mode = spec.line.custom.thresholds;
      if (mode.includes("area") || mode === "series") thresholdAreas(plot, spec);
    }
    for (const one of covered([...this.drawn.annotations, ...(this.drawn.areas ?? [])])) {
      if (one.toMs < this.drawn.fromMs || one.fromMs > this.drawn.toMs) continue;
      const from = clampX(plot, one.fromMs);
      const to = clampX(plot, one.toMs);
      plot.ctx.fillStyle = fade(one.color, 0.12);
      plot.ctx.fillRect(from, plot.bbox.top, Math.max(1, to - from), plot.bbox.height);
    }
  }

  private drawOver(plot: uPlot): void {
    for (const spec of this.scales) {
      const mode = spec.line.custom.thresholds;
      if (mode.includes("line") || mode.includes("dash")) thresholdLines(plot, spec, mode.includes("dash"));
    }
    if (this.drawn.limit) this.limit(plot, this.drawn.limit);
    this.marks(plot);
    const { exemplars = [], exemplarLinks: links = [], timezone, said } = this.drawn;
    drawDiamonds(plot, this.scales[0]?.key, { exemplars, links, timezone, said: said[0] ?? String });
  }

  private limit(plot: uPlot, { value, text, color }: NonNullable<Drawn["limit"]>): void {
    const { ctx, bbox } = plot;
    const key = this.scales[0]?.key;
    if (key === undefined) return;
    const ratio = devicePixelRatio;
    const y = Math.round(plot.valToPos(value, key, true));
    if (!(y >= bbox.top && y <= bbox.top + bbox.height)) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.lineWidth = ratio;
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = canvasFont(ratio);
    ctx.textAlign = "right";
    ctx.fillText(text, bbox.left + bbox.width - 4 * ratio, y - 4 * ratio < bbox.top + 10 * ratio ? y + 12 * ratio : y - 4 * ratio);
    ctx.restore();
  }

  /** A dashed line for each annotation, and something to point at below it. */
  private marks(plot: uPlot): void {
    plot.over.querySelectorAll(".annotation").forEach((old) => old.remove());
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    // Where each line of texts is taken until.
    const taken = [-Infinity, -Infinity, -Infinity];
    const seen = this.drawn.annotations.slice(0, MARKS_MAX).filter((one) => one.fromMs <= this.drawn.toMs && (one.toMs ?? one.fromMs) >= this.drawn.fromMs);
    for (const one of seen) {
      const color = cssColor(one.color);
      ctx.save();
      // Many of them step back behind the lines.
      ctx.globalAlpha = seen.length > MARKS_BOLD_MAX ? 0.4 : 1;
      ctx.strokeStyle = color;
      ctx.lineWidth = ratio;
      ctx.setLineDash([4 * ratio, 4 * ratio]);
      for (const at of [one.fromMs, one.toMs]) {
        if (at === undefined || at < this.drawn.fromMs || at > this.drawn.toMs) continue;
        const x = Math.round(plot.valToPos(at, "x", true));
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        if (!this.drawn.titled || at !== one.fromMs) continue;
        // Texts that would lie on each other go one line lower, at most three lines; what finds no room is said where it is pointed at.
        ctx.font = canvasFont(ratio);
        ctx.fillStyle = color;
        const width = ctx.measureText(one.title).width + 8 * ratio;
        const left = x + width > bbox.left + bbox.width;
        const from = left ? x - width : x;
        const row = taken.findIndex((until) => until <= from);
        if (row < 0 || from < bbox.left) continue;
        taken[row] = from + width;
        ctx.textAlign = left ? "right" : "left";
        ctx.fillText(one.title, x + (left ? -4 : 4) * ratio, bbox.top + (11 + row * 13) * ratio);
      }
      ctx.restore();
      plot.over.append(this.mark(plot, one, color));
    }
  }

  private mark(plot: uPlot, one: Annotation, color: string): HTMLElement {
    const mark = document.createElement("div");
    mark.className = "annotation";
    const from = plot.valToPos(Math.max(one.fromMs, this.drawn.fromMs), "x");
    const to = one.toMs === undefined ? from : plot.valToPos(Math.min(one.toMs, this.drawn.toMs), "x");
    mark.style.left = `${Math.round(from - 4)}px`;
    mark.style.width = `${Math.round(Math.max(8, to - from + 8))}px`;
    mark.style.background = color;
    const times = timeText(one.fromMs, this.drawn.timezone) + (one.toMs === undefined || one.toMs === one.fromMs ? "" : ` to ${timeText(one.toMs, this.drawn.timezone)}`);
    mark.onmousemove = (event) => {
      event.stopPropagation();
      showTip(this, event.clientX, event.clientY, times, [{ color, name: one.title || one.text.slice(0, 80), value: "" }], [one.title ? one.text : "", one.tags.join(", ")].filter(Boolean).join(" · "));
    };
    mark.onmouseleave = () => hideTip(this);
    return mark;
  }

  private addHair(plot: uPlot): void {
    const { group } = this.drawn;
    plot.over.addEventListener("mouseenter", () => (this.inside = true));
    plot.over.addEventListener("mouseleave", () => {
      this.inside = false;
      hideTip(this);
      if (group) point(group, null, this);
    });
    if (!group) return;
    const hair = document.createElement("div");
    hair.className = "hair";
    hair.hidden = true;
    plot.over.append(hair);
    this.hair = hair;
    this.stopListening = listen(group, (atMs, from) => this.follow(plot, atMs, from));
  }

  private follow(plot: uPlot, atMs: number | null, from: object): void {
    if (!this.hair || from === this) return;
    const outside = atMs === null || atMs < this.drawn.fromMs || atMs > this.drawn.toMs;
    this.hair.hidden = outside;
    if (!outside) this.hair.style.transform = `translateX(${Math.round(plot.valToPos(atMs, "x"))}px)`;
    if (!this.drawn.sharedTip) return;
    if (outside) plot.setCursor({ left: -10, top: -10 }, false);
    else plot.setCursor({ left: plot.valToPos(atMs, "x"), top: -10 }, false);
  }

  private moved(plot: uPlot): void {
    if (!this.inside) return;
    const { left } = plot.cursor;
    if (this.hair) this.hair.hidden = true;
    if (left === undefined || left < 0) return;
    if (this.drawn.group) point(this.drawn.group, plot.posToVal(left, "x"), this);
    this.tell();
  }

  private tell(): void {
    const plot = this.plot;
    const { left, top, idx } = plot?.cursor ?? {};
    if (!plot || left === undefined || top === undefined || left < 0 || idx == null || this.drawn.tooltip.mode === "none") return hideTip(this);
    const { rows, near } = this.rows(plot, top);
    if (rows.length === 0) return hideTip(this);
    const rect = plot.over.getBoundingClientRect();
    const single = this.drawn.tooltip.mode === "single";
    showTip(this, rect.left + left, rect.top + top, timeText(plot.data[0]![near ?? idx]!, this.drawn.timezone), single ? rows.filter((row) => row.near) : rows);
  }

  private rows(plot: uPlot, top: number): { rows: TipRow[]; near: number | undefined } {
    const found: (TipRow & { raw: number; distance: number; index: number })[] = [];
    for (const [at, line] of this.drawn.lines.lines.entries()) {
      const index = plot.cursor.idxs?.[at + 1] ?? plot.cursor.idx;
      const series = plot.series[at + 1];
      if (index == null || !series?.show || line.custom.hide.tooltip) continue;
      const raw = line.values[index];
      const drawn = line.drawn[index];
      if (typeof raw !== "number" || typeof drawn !== "number" || (this.drawn.tooltip.hideZeros && raw === 0)) continue;
      found.push({ color: this.drawn.colors[at], name: this.drawn.names[at]!, value: this.drawn.said[at]!(raw) + (this.drawn.more?.(at, index) ?? ""), raw, index, distance: Math.abs(plot.valToPos(drawn, series.scale!) - top) });
    }
    let near = found[0];
    for (const one of found) if (one.distance < near!.distance) near = one;
    if (near) near.near = true;
    const { sort } = this.drawn.tooltip;
    if (sort !== "none") found.sort((a, b) => (sort === "asc" ? a.raw - b.raw : b.raw - a.raw));
    return { rows: found, near: near?.index };
  }

  private selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 5) return;
    const from = plot.posToVal(left, "x");
    const to = plot.posToVal(left + width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    hideTip(this);
    this.drawn.zoom?.(Math.round(from), Math.round(to));
  }
}

const canvasFont = (ratio: number): string => FONT.replace("11px", `${11 * ratio}px`);

/** Stretches of one colour that overlap are one: ten alerts at a time are no wall. */
function covered(all: { fromMs: number; toMs?: number; color: string }[]): { fromMs: number; toMs: number; color: string }[] {
  const out: { fromMs: number; toMs: number; color: string }[] = [];
  const sorted = all.filter((one) => one.toMs !== undefined && one.toMs > one.fromMs).sort((a, b) => a.fromMs - b.fromMs);
  for (const one of sorted.slice(0, 2 * MARKS_MAX)) {
    const color = cssColor(one.color);
    const before = out.find((other) => other.color === color && other.toMs >= one.fromMs);
    if (before) before.toMs = Math.max(before.toMs, one.toMs!);
    else out.push({ fromMs: one.fromMs, toMs: one.toMs!, color });
  }
  return out;
}

/** Whether texts of the time axis have seconds: the last one then needs more room beside the chart. */
const withSeconds = (rangeMs: number, width: number): boolean => rangeMs / (width / 54) < 60_000;

function isPower(value: number, base: number): boolean {
  const power = Math.log(Math.abs(value)) / Math.log(base);
  return Math.abs(power - Math.round(power)) < 1e-9;
}

/** Knows no chart: V8 keeps the first of these that the library puts into an object with a getter, and what it knows with it. */
const dateIn = (timezone: string) => (atMs: number) => zoned(atMs, timezone);

function dataOf(drawn: Drawn): uPlot.AlignedData {
  return [drawn.lines.timesMs, ...drawn.lines.lines.map((line) => line.drawn)] as uPlot.AlignedData;
}

/** One scale for each unit and way of drawing; the first stands left, the second right. */
function scalesOf(drawn: Drawn): ScaleSpec[] {
  const out: ScaleSpec[] = [];
  for (const [at, line] of drawn.lines.lines.entries()) {
    const { config } = line.field;
    const { custom } = line;
    const percent = custom.stacking === "percent";
    const side = custom.placement === "right" ? "right" : custom.placement === "left" ? "left" : "";
    const key = JSON.stringify([percent ? "%" : (config.unit ?? ""), config.min ?? "", config.max ?? "", custom.softMin ?? "", custom.softMax ?? "", custom.scale, custom.centeredZero, side, custom.placement === "hidden"]);
    let spec = out.find((one) => one.key === key);
    if (!spec) {
      const left = out.some((one) => one.shown && one.side === 3);
      spec = { key, line, side: side === "right" || (side === "" && left) ? 1 : 3, shown: custom.placement !== "hidden", zero: false, percent, members: [] };
      out.push(spec);
    }
    spec.zero ||= custom.drawStyle === "bars" || custom.stacking !== "none";
    spec.members.push(at);
  }
  return out;
}

/** Points of "auto": those that no line reaches. */
function alone(plot: uPlot, at: number, show: boolean, gaps?: null | number[][]): number[] | null {
  if (show) return null;
  const values = plot.data[at]!;
  if (!gaps?.length) {
    // In one piece: a dot only when it is all there is.
    const first = values.findIndex((value) => value != null);
    return first >= 0 && !values.slice(first + 1).some((value) => value != null) ? [first] : null;
  }
  const out: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (values[index] == null) continue;
    let left = index - 1;
    let right = index + 1;
    while (left >= 0 && values[left] === undefined) left--;
    while (right < values.length && values[right] === undefined) right++;
    if ((left < 0 || values[left] === null) && (right >= values.length || values[right] === null)) out.push(index);
  }
  return out.length > 0 ? out : null;
}

function clampX(plot: uPlot, atMs: number): number {
  const { left, width } = plot.bbox;
  return Math.min(left + width, Math.max(left, plot.valToPos(atMs, "x", true)));
}

function thresholdsOf(plot: uPlot, spec: ScaleSpec): { value: number; color: string }[] {
  const { thresholds } = spec.line.field.config;
  const scale = plot.scales[spec.key];
  if (!thresholds || scale?.min == null || scale.max == null) return [];
  const { min, max } = spec.line.field.config;
  const low = finite(min) ?? scale.min;
  const high = finite(max) ?? scale.max;
  return thresholds.steps.map((step) => ({
    value: thresholds.mode === "percentage" && Number.isFinite(step.value) ? low + (step.value / 100) * (high - low) : step.value,
    color: cssColor(step.color),
  }));
}

function thresholdAreas(plot: uPlot, spec: ScaleSpec): void {
  const steps = thresholdsOf(plot, spec);
  const scale = plot.scales[spec.key]!;
  const { ctx, bbox } = plot;
  for (const [at, step] of steps.entries()) {
    const from = Math.max(step.value, scale.min!);
    const to = Math.min(steps[at + 1]?.value ?? Infinity, scale.max!);
    if (!(to > from) || step.color === "transparent") continue;
    const bottom = plot.valToPos(from, spec.key, true);
    const top = plot.valToPos(to, spec.key, true);
    ctx.fillStyle = fade(step.color, 0.1);
    ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
  }
}

function thresholdLines(plot: uPlot, spec: ScaleSpec, dashed: boolean): void {
  const scale = plot.scales[spec.key]!;
  const { ctx, bbox } = plot;
  for (const step of thresholdsOf(plot, spec)) {
    if (!Number.isFinite(step.value) || step.value < scale.min! || step.value > scale.max! || step.color === "transparent") continue;
    const y = Math.round(plot.valToPos(step.value, spec.key, true));
    ctx.save();
    ctx.strokeStyle = fade(step.color, 0.75);
    ctx.lineWidth = Math.round(1.5 * devicePixelRatio);
    if (dashed) ctx.setLineDash([8 * devicePixelRatio, 6 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}

/** A colour that changes with the value: by thresholds, or along a ramp. */
function byValue(plot: uPlot, line: Line, opacity: number): CanvasRenderingContext2D["fillStyle"] {
  const { config } = line.field;
  const mode = config.color?.mode ?? "thresholds";
  const key = plot.series.find((_, at) => at > 0 && plot.data[at] === line.drawn)?.scale ?? Object.keys(plot.scales)[1]!;
  const scale = plot.scales[key];
  if (scale?.min == null || scale.max == null || !(scale.max > scale.min)) return fade(cssColor("green"), opacity);
  const top = plot.valToPos(scale.max, key, true);
  const bottom = plot.valToPos(scale.min, key, true);
  if (!Number.isFinite(top) || !Number.isFinite(bottom)) return fade(cssColor("green"), opacity);
  const gradient = plot.ctx.createLinearGradient(0, bottom, 0, top);
  const place = (value: number) => Math.min(1, Math.max(0, (value - scale.min!) / (scale.max! - scale.min!)));
  if (mode.startsWith("continuous-")) {
    const low = finite(config.min) ?? scale.min;
    const high = finite(config.max) ?? scale.max;
    for (let stop = 0; stop <= 8; stop++) gradient.addColorStop(place(low + ((high - low) * stop) / 8), fade(rampColor(mode, stop / 8), opacity));
    return gradient;
  }
  const steps = thresholdsOf(plot, { key, line, side: 3, shown: true, zero: false, percent: false, members: [] });
  for (const [at, step] of steps.entries()) {
    const from = Number.isFinite(step.value) ? place(step.value) : 0;
    gradient.addColorStop(from, fade(step.color, opacity));
    gradient.addColorStop(steps[at + 1] ? place(steps[at + 1]!.value) : 1, fade(step.color, opacity));
  }
  return gradient;
}
