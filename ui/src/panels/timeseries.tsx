/**
 * show: the panel timeseries. In: frames with a time and numbers. Out: a chart with its legend. Which lines are hidden is kept as long as the panel is on the page.
 */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { axisValues, stepsFor } from "./axis";
import { LineChart, type Drawn } from "./chart";
import { exemplarLinks } from "./exemplar-links";
import { calcTitle, colorOf, displayOf, nameOf, option, record, reduce, shownText, type Shown } from "./kit";
import { chosen, Legend, legendOptions, type LegendItem } from "./legend";
import { linesOf, timeField, type Line } from "./lines";
import { Empty } from "./placeholder";
import { useSize } from "./size";
import { scheme } from "./theme";

const LINES_MAX = 5000;

export default function TimeSeries(shown: Shown) {
  const { frames } = shown.data;
  const timed = frames.filter(timeField);
  const columns = timed.flatMap((frame) => frame.fields.filter((field) => field.type === "number" || field.type === "boolean"));
  if (columns.some((field) => field.values.some(drawable))) return <Chart {...shown} />;
  if (columns.length > 0) return <Empty data={shown.data} reason={`${columns.length === 1 ? "One series was" : `${columns.length} series were`} found, but without a number in this range: ${whyNone(columns.flatMap((field) => field.values))}.`} />;
  return <Empty data={shown.data} reason={frames.length > 0 && timed.length === 0 ? "No column of times: a chart over time needs one. The panel's menu shows the data as a table." : undefined} />;
}

const drawable = (value: unknown): boolean => (typeof value === "number" && Number.isFinite(value)) || typeof value === "boolean";

function whyNone(values: unknown[]): string {
  if (values.some((value) => typeof value === "number" && Number.isNaN(value))) return "every sample is NaN, as nothing divided by nothing is";
  return values.some((value) => value === Infinity || value === -Infinity) ? "every sample is infinite" : "every sample is empty";
}

function Chart({ panel, data, scope, group, sharedTip, zoom, zoomOut }: Shown) {
  const outer = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<LineChart | undefined>(undefined);
  const whole = useSize(outer);
  const size = useSize(host);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const theme = scheme.value;
  const legend = legendOptions(panel.options, whole.width);
  const links = data.exemplars?.length ? exemplarLinks().value : undefined;

  const drawn = useMemo<Drawn>(() => {
    const frames = data.frames.slice(0, LINES_MAX);
    const title = (field: Parameters<typeof nameOf>[0], frame: Parameters<typeof nameOf>[1]) => nameOf(field, frame, frames);
    const lines = linesOf(frames, data.stepMs, hidden, title);
    const names = lines.lines.map((line) => title(line.field, line.frame));
    const said = lines.lines.map((line) => {
      const display = displayOf(line.field, scope.timezone);
      return (value: unknown) => shownText(display(value));
    });
    const colors = lines.lines.map((line) => colorOf(line.field));
    const tooltip = record(panel.options.tooltip);
    return {
      lines,
      names,
      said,
      axisTexts: (splits, line, percent) => axisValues(splits, line.field, axisConfig(line, percent)),
      axisSteps: (line, percent) => stepsFor(axisConfig(line, percent)),
      colors,
      hidden,
      fromMs: data.fromMs,
      toMs: data.toMs,
      timezone: scope.timezone,
      annotations: data.annotations,
      exemplars: data.exemplars,
      exemplarLinks: links,
      tooltip: { mode: option(tooltip, "mode", ["single", "multi", "none"]), sort: option(tooltip, "sort", ["none", "asc", "desc"]), hideZeros: tooltip.hideZeros === true },
      group,
      sharedTip,
      zoom,
      zoomOut,
    };
  }, [data, hidden, theme, scope.timezone, group, panel, links]);

  const items = useMemo(() => legendItems(drawn, legend.calcs), [drawn]);
  // Callbacks are made anew with each rendering; the chart calls the newest.
  drawn.zoom = zoom;
  drawn.zoomOut = zoomOut;

  useLayoutEffect(() => {
    if (!host.current || size.width < 20 || size.height < 20) return;
    if (chart.current) chart.current.resize(size);
    else chart.current = new LineChart(host.current, size, drawn);
  }, [size.width, size.height]);
  useLayoutEffect(() => chart.current?.update(drawn), [drawn]);
  useEffect(
    () => () => {
      chart.current?.destroy();
      chart.current = undefined;
    },
    [],
  );

  return (
    <div class={`chart-panel ${legend.placement}`} ref={outer}>
      <div class="chart" ref={host} role={data.exemplars?.length ? "group" : "img"} aria-label={spoken(panel.title, items)} />
      {legend.show && (
        <Legend
          options={legend}
          items={items}
          columns={legend.calcs.map(calcTitle)}
          hidden={hidden}
          choose={(name, add) => setHidden(chosen(hidden, drawn.names, name, add))}
          hover={(name) => chart.current?.emphasize(name)}
        />
      )}
    </div>
  );
}

const axisConfig = ({ field }: Line, percent: boolean) => (percent ? { ...field.config, unit: "percentunit", decimals: undefined } : field.config);

function legendItems(drawn: Drawn, calcs: string[]): LegendItem[] {
  const items: LegendItem[] = [];
  for (const [at, line] of drawn.lines.lines.entries()) {
    if (line.custom.hide.legend) continue;
    items.push({
      name: drawn.names[at]!,
      color: drawn.colors[at]!,
      figures: calcs.map((calc) => {
        const value = reduce(calc, line.field);
        return { text: value === null || value === undefined ? "-" : drawn.said[at]!(value as number), value: typeof value === "number" ? value : NaN };
      }),
    });
  }
  return items;
}

function spoken(title: string, items: LegendItem[]): string {
  const names = items.slice(0, 8).map((item) => item.name.slice(0, 60));
  return `${title || "Chart"}: ${items.length} ${items.length === 1 ? "line" : "lines"}: ${names.join(", ")}${items.length > names.length ? ", ..." : ""}`;
}
