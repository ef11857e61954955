/** show: the panel bargauge: one bar for each reading, lying or standing, plain, shaded or as a row of lamps. */
import { useRef } from "preact/hooks";

import { option, record, shownText, type Field, type Shown } from "./kit";
import { Linked } from "./links";
import { Empty } from "./placeholder";
import { useSize } from "./size";
import { cssColor, legible, rampColor, scheme } from "./theme";
import { readingsOf, type Reading } from "./values";

export default function BarGauge({ panel, data, scope }: Shown) {
  const place = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(place);
  void scheme.value;
  const readings = readingsOf(data, panel.options, scope.timezone);
  const wanted = option(panel.options, "orientation", ["auto", "horizontal", "vertical"]);
  const upright = wanted === "vertical" || (wanted === "auto" && width > height * 1.6);
  const mode = option(panel.options, "displayMode", ["gradient", "basic", "lcd"]);
  const range = rangeOf(readings);
  const sizes = record(panel.options.text);
  return (
    <div class={upright ? "bars upright" : "bars"} ref={place} style={upright ? undefined : { gridAutoRows: `${Math.max(18, Math.min(34, Math.floor((height - 4 * (readings.length - 1)) / Math.max(1, readings.length))))}px` }}>
      {readings.length === 0 && <Empty data={data} />}
      {width > 0 &&
        readings.map((reading, at) => (
          <Linked key={at} field={reading.field} frame={reading.frame} row={reading.row ?? reading.frame.length - 1} scope={scope} class="bar-row">
            <span class="bar-name" title={reading.name.slice(0, 300)} style={typeof sizes.titleSize === "number" ? { fontSize: `${sizes.titleSize}px` } : undefined}>
              {reading.name.slice(0, 200)}
            </span>
            <Bar reading={reading} range={range} mode={mode} upright={upright} track={panel.options.showUnfilled !== false} />
            <b class="bar-value" style={{ color: panel.options.valueMode === "text" ? "inherit" : legible(reading.color), ...(typeof sizes.valueSize === "number" ? { fontSize: `${sizes.valueSize}px` } : {}) }}>
              {panel.options.valueMode === "hidden" ? "" : shownText(reading.value)}
            </b>
          </Linked>
        ))}
    </div>
  );
}

/** From nought to the largest, where the file says nothing. */
function rangeOf(readings: Reading[]): [number, number] {
  let low = 0;
  let high = -Infinity;
  for (const { value } of readings) {
    if (!Number.isFinite(value.numeric)) continue;
    low = Math.min(low, value.numeric);
    high = Math.max(high, value.numeric);
  }
  return [low, high > low ? high : low + 1];
}

interface BarProps {
  reading: Reading;
  range: [number, number];
  mode: "gradient" | "basic" | "lcd";
  upright: boolean;
  track: boolean;
}

const LAMPS = 40;

function Bar({ reading, range, mode, upright, track }: BarProps) {
  const { field, value, color } = reading;
  const percentunit = field.config.unit === "percentunit" ? 1 : field.config.unit === "percent" ? 100 : undefined;
  const low = field.config.min ?? range[0];
  const high = field.config.max ?? Math.max(percentunit ?? -Infinity, range[1]);
  const part = Number.isFinite(value.numeric) && high > low ? Math.min(1, Math.max(0, (value.numeric - low) / (high - low))) : 0;
  const toward = upright ? "top" : "right";
  if (mode === "lcd") {
    const lamps = upright ? 18 : LAMPS;
    return (
      <span class="bar-lamps" aria-hidden="true">
        {Array.from({ length: lamps }, (_, at) => (
          <i key={at} style={{ background: colorAt(field, low, high, (at + 0.5) / lamps) ?? color, opacity: (at + 0.5) / lamps <= part ? "1" : track ? ".16" : "0" }} />
        ))}
      </span>
    );
  }
  const background = mode === "basic" ? color : gradient(field, low, high, part, color, toward);
  const size = `${(part * 100).toFixed(2)}%`;
  return (
    <span class={track ? "bar-track" : "bar-track bare"} aria-hidden="true">
      <i style={upright ? { height: size, width: "100%", background } : { width: size, height: "100%", background }} />
    </span>
  );
}

function colorAt(field: Field, low: number, high: number, part: number): string | undefined {
  const mode = field.config.color?.mode ?? "thresholds";
  if (mode.startsWith("continuous-")) return rampColor(mode, part);
  if (mode !== "thresholds" || !field.config.thresholds) return undefined;
  const value = low + part * (high - low);
  let found: string | undefined;
  for (const step of field.config.thresholds.steps) if ((field.config.thresholds.mode === "percentage" ? low + (step.value / 100) * (high - low) : step.value) <= value || !Number.isFinite(step.value)) found = step.color;
  return found && cssColor(found);
}

/** The colours that the bar has passed through. */
function gradient(field: Field, low: number, high: number, part: number, color: string, toward: string): string {
  if (part <= 0) return color;
  const stops: string[] = [];
  for (let at = 0; at <= 12; at++) stops.push(`${colorAt(field, low, high, (part * at) / 12) ?? color} ${((at / 12) * 100).toFixed(0)}%`);
  return `linear-gradient(to ${toward}, ${stops.join(", ")})`;
}
