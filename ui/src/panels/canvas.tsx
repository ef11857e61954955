/**
 * show: a canvas that fills its place, sharp on any screen, drawn again when its size, its data or the scheme changes; and axes for those that draw on it.
 * In: a function that draws. Out: pixels, and the pointer's place for tooltips and zoom. Holds nothing.
 */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { point, listen } from "./crosshair";
import { useSize, type Size } from "./size";
import { FONT, ink, scheme, textWidth } from "./theme";
import { axisTimes, TIME_STEPS_MS } from "./times";
import { hideTip } from "./tip";

export interface Plane {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Range {
  fromMs: number;
  toMs: number;
}

interface Props {
  label: string;
  draw: (ctx: CanvasRenderingContext2D, size: Size) => Plane;
  /** The pointer, in CSS pixels of the canvas and of the window. */
  hover?: (x: number, y: number, event: MouseEvent, owner: object) => void;
  /** When the plane goes over time: crosshair and zoom by drag. */
  range?: Range;
  group?: string;
  zoom?: (fromMs: number, toMs: number) => void;
}

export function Canvas({ label, draw, hover, range, group, zoom }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const hair = useRef<HTMLDivElement>(null);
  const band = useRef<HTMLDivElement>(null);
  const plane = useRef<Plane>({ left: 0, top: 0, width: 0, height: 0 });
  const drag = useRef<number | undefined>(undefined);
  const owner = useRef({});
  const size = useSize(place);
  const theme = scheme.value;

  useLayoutEffect(() => {
    const element = canvas.current;
    const ctx = element?.getContext("2d");
    if (!element || !ctx || size.width < 10 || size.height < 10) return;
    const ratio = devicePixelRatio || 1;
    element.width = Math.round(size.width * ratio);
    element.height = Math.round(size.height * ratio);
    element.style.width = `${size.width}px`;
    element.style.height = `${size.height}px`;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, size.width, size.height);
    ctx.font = FONT;
    plane.current = draw(ctx, size);
  }, [draw, size.width, size.height, theme]);

  const show = (x: number | undefined) => {
    if (!hair.current) return;
    hair.current.hidden = x === undefined;
    if (x === undefined) return;
    hair.current.style.transform = `translateX(${Math.round(x)}px)`;
    hair.current.style.top = `${plane.current.top}px`;
    hair.current.style.height = `${plane.current.height}px`;
    hair.current.style.bottom = "auto";
  };
  useEffect(() => {
    if (!group || !range) return;
    return listen(group, (atMs, from) => {
      if (from === owner.current) return;
      const outside = atMs === null || atMs < range.fromMs || atMs > range.toMs;
      show(outside ? undefined : plane.current.left + ((atMs - range.fromMs) / (range.toMs - range.fromMs)) * plane.current.width);
    });
  }, [group, range?.fromMs, range?.toMs]);
  useEffect(() => () => hideTip(owner.current), []);

  const spot = (event: MouseEvent): [number, number] => {
    const rect = canvas.current!.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  };
  const timeAt = (x: number) => range!.fromMs + (Math.min(1, Math.max(0, (x - plane.current.left) / (plane.current.width || 1)))) * (range!.toMs - range!.fromMs);
  const move = (event: MouseEvent) => {
    const [x, y] = spot(event);
    const inside = x >= plane.current.left && x <= plane.current.left + plane.current.width && y >= plane.current.top && y <= plane.current.top + plane.current.height;
    if (range && group) point(group, inside ? timeAt(x) : null, owner.current);
    if (range) show(inside ? x : undefined);
    if (drag.current !== undefined && band.current) {
      band.current.hidden = Math.abs(x - drag.current) < 5;
      Object.assign(band.current.style, { left: `${Math.min(x, drag.current)}px`, width: `${Math.abs(x - drag.current)}px`, top: `${plane.current.top}px`, height: `${plane.current.height}px` });
    }
    if (inside) hover?.(x, y, event, owner.current);
    else hideTip(owner.current);
  };
  const leave = () => {
    drag.current = undefined;
    if (band.current) band.current.hidden = true;
    show(undefined);
    hideTip(owner.current);
    if (group && range) point(group, null, owner.current);
  };
  const up = (event: MouseEvent) => {
    const [x] = spot(event);
    const from = drag.current;
    drag.current = undefined;
    if (band.current) band.current.hidden = true;
    if (from === undefined || !zoom || !range || Math.abs(x - from) < 5) return;
    zoom(Math.round(timeAt(Math.min(x, from))), Math.round(timeAt(Math.max(x, from))));
  };
  return (
    <div class="canvas" ref={place} onMouseMove={move} onMouseLeave={leave} onMouseDown={(event) => (drag.current = range && zoom && event.button === 0 ? spot(event)[0] : undefined)} onMouseUp={up}>
      <canvas ref={canvas} role="img" aria-label={label} />
      <div class="hair" ref={hair} hidden />
      <div class="band" ref={band} hidden />
    </div>
  );
}

/** Moments and their texts along the bottom. */
export function drawTimes(ctx: CanvasRenderingContext2D, plane: Plane, range: Range, timezone: string, grid: boolean): void {
  const span = range.toMs - range.fromMs;
  const most = Math.max(2, plane.width / (span > 86_400_000 ? 96 : 64));
  const step = TIME_STEPS_MS.find((one) => span / one <= most) ?? span;
  // Midnights of the zone are where days begin.
  const offset = step >= 3_600_000 ? zoneOffset(range.fromMs, timezone) : 0;
  const first = Math.ceil((range.fromMs + offset) / step) * step - offset;
  const splits: number[] = [];
  for (let at = first; at <= range.toMs && splits.length < 60; at += step) splits.push(at);
  const texts = axisTimes(splits, step, timezone);
  ctx.fillStyle = ink("--quiet");
  ctx.strokeStyle = ink("--grid-line");
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  for (const [at, split] of splits.entries()) {
    const x = Math.round(plane.left + ((split - range.fromMs) / span) * plane.width) + 0.5;
    if (grid) line(ctx, x, plane.top, x, plane.top + plane.height);
    const half = textWidth(texts[at]!) / 2;
    if (x - half > 0 && x + half < plane.left + plane.width + 12) ctx.fillText(texts[at]!, x, plane.top + plane.height + 6);
  }
}

function zoneOffset(atMs: number, timezone: string): number {
  if (timezone === "utc" || timezone === "UTC") return 0;
  return -new Date(atMs).getTimezoneOffset() * 60_000;
}

export function line(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

/** As much of a text as fits, with an ellipsis. */
export function shorten(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let length = Math.max(1, Math.floor(text.length * (width / Math.max(1, textWidth(text)))) - 1);
  while (length > 1 && textWidth(`${text.slice(0, length)}…`) > width) length--;
  return `${text.slice(0, length)}…`;
}

/** Round numbers between two ends. */
export function niceSplits(low: number, high: number, most: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const out: number[] = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9 && out.length < 100; at += step) out.push(Number(at.toPrecision(12)));
  return out;
}
