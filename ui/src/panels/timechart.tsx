/**
 * show: the chart of lines (chart.ts) for pages that are no dashboards: an alert's value, a model's figures, a query's answer. In: lines on one grid of times, a threshold, bands (an alert fired), marks
 * (a deployment), intervals around lines. Out: a picture with a tooltip; dragging calls `zoom`. Draws no legend: the page has a table for it. Never an empty frame: the caller says why there is nothing.
 */
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";

import { number, short } from "../parts/number";
import { visible } from "../parts/text";
import type { Exemplar, ExemplarLink } from "../dashboard/exemplars";
import { LineChart, type Drawn } from "./chart";
import { stack, styleOf, type Line, type Lines, type Value } from "./lines";
import { useSize } from "./size";
import { ink, lineColor, scheme } from "./theme";

export interface ChartLine {
  name: string;
  values: (number | null)[];
  /** Of `colourOf`, or a variable of style.css (`--bad`). */
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
  /** Unix seconds. */
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
  /** Unix seconds. */
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
  /** Each line stands on those before it, as an area. */
  area?: boolean;
  exemplars?: Exemplar[];
  exemplarLinks?: readonly ExemplarLink[];
}

/** The colour of the nth line. */
export const colourOf = (index: number): string => lineColor(index);

const BANDS = { firing: "--bad", pending: "--warn", silenced: "--quiet" };

export function TimeChart(props: ChartProps) {
  const { times, lines, height = 220, threshold, bands, marks, from, to, zoom, area, label, exemplars, exemplarLinks } = props;
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<LineChart | undefined>(undefined);
  const size = useSize(host);
  const drawn = useMemo(() => drawnOf(props), [times, lines, threshold?.value, threshold?.op, bands, marks, from, to, area, exemplars, exemplarLinks, scheme.value]);
  drawn.zoom = zoom && ((fromMs, toMs) => zoom(fromMs / 1000, toMs / 1000));
  useLayoutEffect(() => {
    if (!host.current || size.width < 20) return;
    if (chart.current) chart.current.resize({ width: size.width, height });
    else chart.current = new LineChart(host.current, { width: size.width, height }, drawn);
  }, [size.width, height]);
  useLayoutEffect(() => chart.current?.update(drawn), [drawn]);
  useEffect(() => () => chart.current?.destroy(), []);
  return <div class="chart alone-chart" style={{ height: `${height}px` }} ref={host} role={exemplars?.length ? "group" : "img"} aria-label={label} />;
}

function drawnOf({ times, lines, threshold, bands = [], marks = [], from, to, area = false, exemplars, exemplarLinks }: ChartProps): Drawn {
  const timesMs = times.map((time) => time * 1000);
  const made = lines.map((line, index) => lineOf(line, index, line.values, area, threshold?.value));
  const sides = lines.flatMap((line, index) => (line.low && line.high ? [lineOf(line, index, line.high, area, threshold?.value, true), lineOf(line, index, line.low, area, threshold?.value, true)] : []));
  const colors = [...lines, ...lines.flatMap((line) => (line.low && line.high ? [line, line] : []))].map(({ colour }) => (colour.startsWith("--") ? ink(colour) : colour));
  const drawn: Lines = { timesMs, lines: [...made, ...sides], bands: sides.flatMap((_, at) => (at % 2 === 0 ? [{ upper: lines.length + at, lower: lines.length + at + 1 }] : [])) };
  stack(drawn, () => false);
  return {
    lines: drawn,
    names: [...lines, ...sides.map(({ index }) => lines[index]!)].map(({ name }) => visible(name.slice(0, 200))),
    colors,
    said: colors.map(() => number),
    more: (line, index) => {
      const [low, high] = [lines[line]?.low?.[index], lines[line]?.high?.[index]];
      return typeof low === "number" && typeof high === "number" ? ` (${number(low)} to ${number(high)})` : "";
    },
    axisTexts: (splits) => splits.map((split) => (split === null ? "" : Math.abs(split) >= 1e6 ? short(split) : number(Math.abs(split) < 1e-12 ? 0 : split))),
    hidden: new Set(),
    fromMs: from === undefined ? (timesMs[0] ?? 0) : from * 1000,
    toMs: to === undefined ? (timesMs.at(-1) ?? 1) : to * 1000,
    timezone: "browser",
    annotations: marks.map((mark) => ({ fromMs: mark.at * 1000, title: mark.text, text: "", color: mark.colour.startsWith("--") ? ink(mark.colour) : mark.colour, tags: [] })),
    titled: true,
    exemplars,
    exemplarLinks,
    areas: bands.map((band) => ({ fromMs: band.from * 1000, toMs: band.to * 1000, color: ink(BANDS[band.kind]) })),
    limit: threshold && { value: threshold.value, text: `${threshold.op} ${number(threshold.value)}`, color: ink("--bad") },
    tooltip: { mode: "multi", sort: "desc", hideZeros: false },
  };
}

/** `side`: an edge of the interval around the line: no stroke, and nothing in the tooltip. */
function lineOf(line: ChartLine, index: number, values: Value[], area: boolean, threshold: number | undefined, side = false): Line {
  const room = threshold === undefined ? 0 : Math.abs(threshold) * 0.06 || 0.06;
  const custom = styleOf({
    lineWidth: side ? 0 : (line.width ?? 1.5),
    fillOpacity: side ? 15 : area ? 30 : 0,
    stacking: { mode: area && !side ? "normal" : "none" },
    lineStyle: line.dash ? { fill: "dash", dash: [5, 4] } : undefined,
    showPoints: side ? "never" : line.points ? "always" : "auto",
    spanNulls: line.points ?? false,
    axisSoftMin: threshold === undefined ? undefined : threshold - (threshold > 0 ? Math.min(room, threshold) : room),
    axisSoftMax: threshold === undefined ? undefined : threshold + room,
    hideFrom: { tooltip: side },
  });
  return { field: { name: line.name, type: "number", values, config: { custom: {} } }, frame: { fields: [], length: values.length }, index, values, drawn: values, custom };
}
