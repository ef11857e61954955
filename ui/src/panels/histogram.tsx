/** show: the panel histogram: how often values of each size occur. In: series, or frames that were made into bins already. Out: a canvas and a legend. */
import { useCallback, useMemo, useState } from "preact/hooks";

import { Canvas, line, niceSplits, type Plane } from "./canvas";
import { histogramOf } from "./cells";
import { colorOf, displayOf, nameOf, shownText, type Display, type Field, type Shown } from "./kit";
import { GroupLegend, legendOptions } from "./legend";
import { Empty } from "./placeholder";
import type { Size } from "./size";
import { fade, ink, scheme, textWidth } from "./theme";
import { showTip } from "./tip";
import { plural } from "../parts/number";

interface Group {
  name: string;
  color: string;
  field: Field;
  counts: number[];
}

interface Bins {
  edges: { low: number; high: number }[];
  groups: Group[];
  display: Display;
}

export default function Histogram({ panel, data, scope }: Shown) {
  const theme = scheme.value;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const bins = useMemo(() => binsOf({ panel, data, scope }), [data, theme, panel]);
  const shown = bins?.groups.filter((group) => !hidden.has(group.name)) ?? [];
  const most = Math.max(1, ...(bins?.edges.map((_, at) => shown.reduce((sum, group) => Math.max(sum, group.counts[at] ?? 0), 0)) ?? []));
  const custom = panel.fieldConfig.defaults.custom;
  const opacity = (typeof custom.fillOpacity === "number" ? custom.fillOpacity : 80) / 100;
  const layout = useCallback((size: Size): Plane => ({ left: textWidth(String(most)) + 14, top: 6, width: Math.max(10, size.width - textWidth(String(most)) - 26), height: Math.max(10, size.height - 30) }), [most]);
  const draw = useCallback(
    (ctx: CanvasRenderingContext2D, size: Size): Plane => {
      const plane = layout(size);
      if (!bins) return plane;
      ctx.strokeStyle = ink("--grid-line");
      ctx.fillStyle = ink("--quiet");
      ctx.textBaseline = "middle";
      ctx.textAlign = "right";
      for (const split of niceSplits(0, most, Math.max(2, plane.height / 34))) {
        if (!Number.isInteger(split) && most > 2) continue;
        const y = Math.round(plane.top + plane.height - (split / most) * plane.height) + 0.5;
        line(ctx, plane.left, y, plane.left + plane.width, y);
        ctx.fillText(String(split), plane.left - 7, y);
      }
      const step = plane.width / bins.edges.length;
      for (const group of shown) {
        for (const [at, count] of group.counts.entries()) {
          const height = (count / most) * plane.height;
          ctx.fillStyle = fade(group.color, shown.length > 1 ? opacity * 0.6 : opacity);
          ctx.fillRect(plane.left + at * step + (step > 3 ? 0.5 : 0), plane.top + plane.height - height, Math.max(1, step - (step > 3 ? 1 : 0)), height);
        }
      }
      ctx.fillStyle = ink("--quiet");
      ctx.textBaseline = "top";
      ctx.textAlign = "center";
      const texts = [...bins.edges.map((edge) => edge.low), bins.edges.at(-1)!.high].map((value) => shownText(bins.display(value)));
      const every = Math.max(1, Math.ceil((Math.max(...texts.map((text) => textWidth(text))) + 14) / step));
      for (let at = 0; at < texts.length; at += every) ctx.fillText(texts[at]!, Math.min(size.width - textWidth(texts[at]!) / 2, plane.left + at * step), plane.top + plane.height + 7);
      return plane;
    },
    [bins, hidden, theme, most],
  );
  if (!bins) return <Empty data={data} />;
  const legend = legendOptions(panel.options, 600);
  const hover = (x: number, _y: number, event: MouseEvent, owner: object) => {
    const target = event.currentTarget as HTMLElement;
    const plane = layout({ width: target.clientWidth, height: target.clientHeight });
    const at = Math.min(bins.edges.length - 1, Math.max(0, Math.floor(((x - plane.left) / plane.width) * bins.edges.length)));
    const edge = bins.edges[at]!;
    showTip(owner, event.clientX, event.clientY, `${shownText(bins.display(edge.low))} to ${shownText(bins.display(edge.high))}`, shown.map((group) => ({ color: group.color, name: group.name, value: String(group.counts[at] ?? 0), near: shown.length === 1 })));
  };
  return (
    <div class={`chart-panel ${legend.placement}`}>
      <Canvas label={`${panel.title}: histogram of ${plural(bins.edges.length, "bin")}, at most ${most}`} draw={draw} hover={hover} />
      <GroupLegend options={legend} groups={bins.groups.map((group) => ({ ...group, display: bins.display }))} hidden={hidden} setHidden={setHidden} />
    </div>
  );
}

function binsOf({ panel, data, scope }: Pick<Shown, "panel" | "data" | "scope">): Bins | undefined {
  const ready = data.frames.find((frame) => frame.fields.some((field) => field.name === "xMin") && frame.fields.some((field) => field.name === "xMax"));
  if (ready) {
    const [low, high] = ["xMin", "xMax"].map((name) => ready.fields.find((field) => field.name === name)!.values as number[]);
    const counts = ready.fields.filter((field) => field.name !== "xMin" && field.name !== "xMax" && field.type === "number");
    if (counts.length === 0 || ready.length === 0) return undefined;
    return {
      edges: low!.map((value, at) => ({ low: value, high: high![at]! })),
      groups: counts.map((field) => ({ name: nameOf(field, ready, data.frames), color: colorOf(field), field, counts: field.values.map((value) => (typeof value === "number" ? value : 0)) })),
      display: displayOf(ready.fields.find((field) => field.name === "xMin")!, scope.timezone),
    };
  }
  const fields = data.frames.flatMap((frame) => frame.fields.filter((field) => field.type === "number").map((field) => ({ field, name: nameOf(field, frame, data.frames) })));
  const numbers = (field: Field) => field.values.filter((value): value is number => typeof value === "number" && Number.isFinite(value));
  const first = fields[0];
  const all = fields.flatMap(({ field }) => numbers(field));
  if (!first || all.length === 0) return undefined;
  const { bucketSize, bucketCount, bucketOffset } = panel.options;
  const edges = histogramOf(all, typeof bucketSize === "number" ? bucketSize : undefined, typeof bucketCount === "number" ? bucketCount : 30, typeof bucketOffset === "number" ? bucketOffset : 0);
  const size = edges[0]!.high - edges[0]!.low;
  const count = (values: number[]) => {
    const out = new Array<number>(edges.length).fill(0);
    for (const value of values) out[Math.min(edges.length - 1, Math.max(0, Math.floor((value - edges[0]!.low) / size + 1e-9)))]!++;
    return out;
  };
  const groups = panel.options.combine === true ? [{ ...first, name: "count", values: all }] : fields.map((one) => ({ ...one, values: numbers(one.field) }));
  return { edges, groups: groups.map(({ field, name, values }) => ({ name, color: colorOf(field), field, counts: count(values) })), display: displayOf(first.field, scope.timezone) };
}
