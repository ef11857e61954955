/** show: the panel barchart: numbers by name, beside each other or stacked, upright or lying. In: a frame with texts (or times) and numbers. Out: a canvas and a legend. */
import { useCallback, useMemo, useState } from "preact/hooks";

import { Canvas, line, niceSplits, shorten, type Plane } from "./canvas";
import { axisValues } from "./axis";
import { colorOf, displayOf, nameOf, option, record, shownText, type Display, type Field, type Shown } from "./kit";
import { GroupLegend, legendOptions } from "./legend";
import { Empty } from "./placeholder";
import type { Size } from "./size";
import { fade, ink, scheme, textWidth } from "./theme";
import { timeText } from "./times";
import { showTip } from "./tip";

interface Group {
  name: string;
  color: string;
  field: Field;
  display: Display;
  values: (number | null)[];
}

interface Bars {
  names: string[];
  groups: Group[];
}

const BARS_MAX = 500;

export default function BarChart({ panel, data, scope }: Shown) {
  const theme = scheme.value;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const bars = useMemo(() => barsOf({ panel, data, scope }), [data, theme, panel]);
  const { options } = panel;
  const shown = useMemo(() => bars?.groups.filter((group) => !hidden.has(group.name)) ?? [], [bars, hidden]);
  const lying = option(options, "orientation", ["auto", "horizontal", "vertical"]) === "horizontal";
  const stacking = option(options, "stacking", ["none", "normal", "percent"]);
  const opacity = numberOr(panel.fieldConfig.defaults.custom.fillOpacity, 80) / 100;
  const stacks = useMemo(() => stack(bars?.names.length ?? 0, shown, stacking), [bars, shown, stacking]);
  const { low, high } = stacks;
  const axisField = bars?.groups[0]?.field;
  const config = axisField && (stacking === "percent" ? { ...axisField.config, unit: "percentunit" } : axisField.config);
  const splitsFor = (pixels: number) => niceSplits(low, high, Math.max(2, pixels / (lying ? 80 : 36)));

  const layout = useCallback(
    (size: Size): Plane => {
      const names = bars ? Math.max(0, ...bars.names.map((name) => textWidth(name.slice(0, 80)))) : 0;
      if (lying) {
        const left = Math.min(size.width * 0.36, names + 12);
        return { left, top: 4, width: Math.max(10, size.width - left - 16), height: Math.max(10, size.height - 28) };
      }
      const texts = axisField && config ? axisValues(splitsFor(size.height - 30), axisField, config) : [];
      const left = Math.max(20, ...texts.map((text) => textWidth(text))) + 12;
      return { left, top: 10, width: Math.max(10, size.width - left - 8), height: Math.max(10, size.height - 34) };
    },
    [bars, lying, low, high],
  );

  const draw = useCallback(
    (ctx: CanvasRenderingContext2D, size: Size): Plane => {
      const plane = layout(size);
      if (!bars || !axisField || !config) return plane;
      const along = lying ? plane.width : plane.height;
      const at = (value: number) => ((value - low) / (high - low)) * along;
      const splits = splitsFor(along);
      const texts = axisValues(splits, axisField, config);
      ctx.strokeStyle = ink("--grid-line");
      ctx.fillStyle = ink("--quiet");
      for (const [index, split] of splits.entries()) {
        const place = Math.round(at(split)) + 0.5;
        ctx.textAlign = lying ? "center" : "right";
        ctx.textBaseline = lying ? "top" : "middle";
        if (lying) {
          line(ctx, plane.left + place, plane.top, plane.left + place, plane.top + plane.height);
          ctx.fillText(texts[index]!, Math.min(plane.left + place, size.width - textWidth(texts[index]!) / 2), plane.top + plane.height + 7);
        } else {
          line(ctx, plane.left, plane.top + plane.height - place, plane.left + plane.width, plane.top + plane.height - place);
          ctx.fillText(texts[index]!, plane.left - 7, plane.top + plane.height - place);
        }
      }
      const across = (lying ? plane.height : plane.width) / bars.names.length;
      const groupWidth = across * Math.min(1, Math.max(0.1, numberOr(options.groupWidth, 0.7)));
      const each = stacking === "none" ? groupWidth / Math.max(1, shown.length) : groupWidth;
      const thick = Math.max(1, each * Math.min(1, Math.max(0.1, numberOr(options.barWidth, 0.97))));
      const showValue = option(options, "showValue", ["auto", "always", "never"]);
      for (let row = 0; row < bars.names.length; row++) {
        for (const [index, group] of shown.entries()) {
          const piece = stacks.pieces[row]![index];
          if (!piece) continue;
          const offset = row * across + (across - groupWidth) / 2 + (stacking === "none" ? index * each : 0);
          const [from, to] = [at(piece[0]), at(piece[1])];
          const length = Math.abs(to - from);
          ctx.fillStyle = fade(options.colorByField ? (group.display(group.values[row]).color ?? group.color) : colorAt(group, row), opacity);
          if (lying) ctx.fillRect(plane.left + Math.min(from, to), plane.top + offset, length, thick);
          else ctx.fillRect(plane.left + offset, plane.top + plane.height - Math.max(from, to), thick, length);
          const text = shownText(group.display(group.values[row]));
          if (showValue === "never" || stacking !== "none" || (showValue === "auto" && (lying ? thick < 11 : thick < textWidth(text) + 2))) continue;
          ctx.fillStyle = ink("--ink");
          ctx.textAlign = lying ? "left" : "center";
          ctx.textBaseline = lying ? "middle" : "bottom";
          if (lying) ctx.fillText(text, Math.min(plane.left + Math.max(from, to) + 4, size.width - textWidth(text) - 2), plane.top + offset + thick / 2);
          else ctx.fillText(text, plane.left + offset + thick / 2, Math.max(12, plane.top + plane.height - Math.max(from, to) - 1));
        }
      }
      ctx.fillStyle = ink("--ink");
      ctx.textAlign = lying ? "right" : "center";
      ctx.textBaseline = lying ? "middle" : "top";
      const every = lying ? Math.max(1, Math.ceil(13 / across)) : Math.max(1, Math.ceil(Math.min(60, Math.max(...bars.names.map((name) => textWidth(name.slice(0, 40)) * 0.7))) / across));
      for (let row = 0; row < bars.names.length; row += every) {
        const middle = row * across + across / 2;
        const name = shorten(bars.names[row]!, lying ? plane.left - 8 : across * every - 4);
        if (lying) ctx.fillText(name, plane.left - 7, plane.top + middle);
        else ctx.fillText(name, plane.left + middle, plane.top + plane.height + 7);
      }
      return plane;
    },
    [bars, shown, stacks, theme, lying],
  );
  if (!bars || bars.names.length === 0) return <Empty data={data} reason={data.frames.length ? "No column of texts with numbers beside it." : undefined} />;
  const legend = legendOptions(options, 600);
  const hover = (x: number, y: number, event: MouseEvent, owner: object) => {
    const target = event.currentTarget as HTMLElement;
    const plane = layout({ width: target.clientWidth, height: target.clientHeight });
    const share = lying ? (y - plane.top) / plane.height : (x - plane.left) / plane.width;
    const row = Math.min(bars.names.length - 1, Math.max(0, Math.floor(share * bars.names.length)));
    if (option(record(options.tooltip), "mode", ["multi", "single", "none"]) === "none") return;
    showTip(owner, event.clientX, event.clientY, bars.names[row]!, shown.map((group) => ({ color: colorAt(group, row), name: group.name, value: shownText(group.display(group.values[row])), near: shown.length === 1 })));
  };
  return (
    <div class={`chart-panel ${legend.placement}`}>
      <Canvas label={`${panel.title}: ${bars.names.slice(0, 12).map((name, row) => `${name.slice(0, 40)} ${bars.groups.map((group) => shownText(group.display(group.values[row]))).join(" ")}`).join(", ")}`} draw={draw} hover={hover} />
      <GroupLegend options={legend} groups={bars.groups} hidden={hidden} setHidden={setHidden} />
    </div>
  );
}

function colorAt(group: Group, row: number): string {
  const mode = group.field.config.color?.mode ?? "";
  const byValue = mode === "thresholds" || mode.startsWith("continuous-");
  return (byValue ? group.display(group.values[row]).color : undefined) ?? group.color;
}

function barsOf({ panel, data, scope }: Pick<Shown, "panel" | "data" | "scope">): Bars | undefined {
  const wanted = typeof panel.options.xField === "string" ? panel.options.xField : "";
  for (const frame of data.frames) {
    const named = wanted ? frame.fields.find((field) => nameOf(field, frame, data.frames) === wanted || field.name === wanted) : undefined;
    const x = named ?? frame.fields.find((field) => field.type === "string") ?? frame.fields.find((field) => field.type === "time");
    const numbers = frame.fields.filter((field) => field !== x && field.type === "number" && record(field.config.custom.hideFrom).viz !== true);
    if (!x || numbers.length === 0) continue;
    const display = displayOf(x, scope.timezone);
    const length = Math.min(BARS_MAX, frame.length);
    return {
      names: Array.from({ length }, (_, row) => (x.type === "time" ? timeText(Number(x.values[row]), scope.timezone) : shownText(display(x.values[row])))),
      groups: numbers.map((field) => ({
        name: nameOf(field, frame, data.frames),
        color: colorOf(field),
        field,
        display: displayOf(field, scope.timezone),
        values: Array.from({ length }, (_, row) => (typeof field.values[row] === "number" && Number.isFinite(field.values[row]) ? (field.values[row] as number) : null)),
      })),
    };
  }
  return undefined;
}

/** From where to where each bar goes; the ends of the axis. */
function stack(rows: number, groups: Group[], mode: "none" | "normal" | "percent"): { pieces: ([number, number] | undefined)[][]; low: number; high: number } {
  let low = 0;
  let high = 0;
  const pieces = Array.from({ length: rows }, (_, row) => {
    let up = 0;
    let down = 0;
    const total = groups.reduce((sum, group) => sum + Math.abs(group.values[row] ?? 0), 0);
    return groups.map((group): [number, number] | undefined => {
      const raw = group.values[row];
      if (raw === null || raw === undefined) return undefined;
      const value = mode === "percent" ? (total > 0 ? raw / total : 0) : raw;
      const from = mode === "none" ? 0 : value >= 0 ? up : down;
      if (value >= 0) up = from + value;
      else down = from + value;
      low = Math.min(low, from + value);
      high = Math.max(high, from + value);
      return [from, from + value];
    });
  });
  const config = groups[0]?.field.config;
  if (typeof config?.min === "number") low = config.min;
  if (typeof config?.max === "number") high = config.max;
  else if (mode !== "percent") high *= 1.06;
  return { pieces, low, high: high > low ? high : low + 1 };
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === "number" && Number.isFinite(value) ? value : otherwise);
