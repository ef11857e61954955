/** show: the panel gauge: an arc from min to max with the thresholds around it. In: readings. Out: SVG, one for each. */
import { useRef } from "preact/hooks";

import { displayOf, shownText, type Field, type Shown } from "./kit";
import { Linked } from "./links";
import { Empty } from "./placeholder";
import { useSize } from "./size";
import { cssColor, legible, scheme, textWidth } from "./theme";
import { columnsFor, readingsOf, type Reading } from "./values";

/** From lower left over the top to lower right, degrees clockwise from the right. */
const FROM = 155;
const SPAN = 230;

export default function Gauge({ panel, data, scope }: Shown) {
  const place = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(place);
  void scheme.value;
  const readings = readingsOf(data, panel.options, scope.timezone);
  const columns = Math.max(1, columnsFor(readings.length, width || 1, height || 1, 1.25));
  const rows = Math.max(1, Math.ceil(readings.length / columns));
  return (
    <div class="cells" ref={place} style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`, gridAutoRows: `${Math.max(60, Math.floor(height / rows) - 4)}px` }}>
      {readings.length === 0 && <Empty data={data} />}
      {width > 0 &&
        readings.map((reading, at) => (
          <Linked key={at} field={reading.field} frame={reading.frame} row={reading.row ?? reading.frame.length - 1} scope={scope} class="gauge">
            <Arc reading={reading} width={width / columns - 6} height={Math.max(60, Math.floor(height / rows) - 4)} named={readings.length > 1} options={panel.options} timezone={scope.timezone} />
          </Linked>
        ))}
    </div>
  );
}

/** What the ends of the arc are. */
export function ends(field: Field): [number, number] {
  const low = field.config.min ?? 0;
  const high = field.config.max ?? (field.config.unit === "percentunit" ? 1 : 100);
  return high > low ? [low, high] : [low, low + 1];
}

interface ArcProps {
  reading: Reading;
  width: number;
  height: number;
  named: boolean;
  options: Record<string, unknown>;
  timezone: string;
}

function Arc({ reading, width, height, named, options, timezone }: ArcProps) {
  const [low, high] = ends(reading.field);
  const nameSize = named ? Math.max(11, Math.min(15, height * 0.09)) : 0;
  const labels = options.showThresholdLabels === true && width > 150;
  const free = height - nameSize * 1.5;
  // The arc is as high as 1.42 radii: the lower part is open.
  const radius = Math.max(16, Math.min(width / 2 - (labels ? 26 : 4), free / 1.46 - (labels ? 8 : 2)));
  const thick = Math.max(6, radius * 0.2);
  const marker = options.showThresholdMarkers !== false ? Math.max(3, radius * 0.05) : 0;
  const cx = width / 2;
  const cy = radius + (labels ? 12 : 3) + Math.max(0, (free - radius * 1.46 - (labels ? 12 : 3)) / 2);
  const known = Number.isFinite(reading.value.numeric);
  const part = known ? Math.min(1, Math.max(0, (reading.value.numeric - low) / (high - low))) : 0;
  const inner = radius - marker - (marker ? 2 : 0) - thick / 2;
  const text = shownText(reading.value);
  const valueSize = Math.max(11, Math.min(radius * 0.46, (100 * (inner - thick / 2) * 1.75) / Math.max(1, textWidth(text, "600 100px system-ui, sans-serif"))));
  const steps = thresholdParts(reading.field, low, high);
  return (
    <svg width={Math.max(0, width)} height={height} role="img" aria-label={`${reading.name.slice(0, 100)}: ${text}`}>
      <path d={arc(cx, cy, inner, 0, 1)} fill="none" stroke="var(--raised)" stroke-width={thick} />
      {part > 0 && <path d={arc(cx, cy, inner, 0, part)} fill="none" stroke={reading.color} stroke-width={thick} />}
      {marker > 0 && steps.map((step, at) => <path key={at} d={arc(cx, cy, radius - marker / 2, step.from, step.to)} fill="none" stroke={step.color} stroke-width={marker} />)}
      {labels &&
        steps.slice(1).map((step, at) => {
          const [x, y] = spot(cx, cy, radius + 9, step.from);
          return (
            <text key={at} x={x} y={y + 3} class="gauge-label" text-anchor={Math.abs(x - cx) < radius * 0.3 ? "middle" : x < cx ? "end" : "start"}>
              {shownText(displayOf(reading.field, timezone)(step.value))}
            </text>
          );
        })}
      <text x={cx} y={cy + valueSize * 0.36} text-anchor="middle" class="gauge-value" font-size={valueSize} fill={legible(reading.color, valueSize >= 24 ? 3 : 4.5)}>
        {text}
      </text>
      {named && (
        <text x={cx} y={height - nameSize * 0.35} text-anchor="middle" class="gauge-name" font-size={nameSize}>
          {fit(reading.name, width, nameSize)}
        </text>
      )}
    </svg>
  );
}

function thresholdParts(field: Field, low: number, high: number): { from: number; to: number; color: string; value: number }[] {
  const { thresholds } = field.config;
  if (!thresholds?.steps.length) return [];
  const place = (value: number) => Math.min(1, Math.max(0, thresholds.mode === "percentage" ? value / 100 : (value - low) / (high - low)));
  return thresholds.steps
    .map((step, at) => ({
      from: Number.isFinite(step.value) ? place(step.value) : 0,
      to: thresholds.steps[at + 1] ? place(thresholds.steps[at + 1]!.value) : 1,
      color: cssColor(step.color),
      value: thresholds.mode === "percentage" ? low + (step.value / 100) * (high - low) : step.value,
    }))
    .filter((step) => step.to > step.from);
}

function spot(cx: number, cy: number, radius: number, part: number): [number, number] {
  const angle = ((FROM + SPAN * part) * Math.PI) / 180;
  return [cx + radius * Math.cos(angle), cy + radius * Math.sin(angle)];
}

function arc(cx: number, cy: number, radius: number, from: number, to: number): string {
  const [x1, y1] = spot(cx, cy, radius, from);
  const [x2, y2] = spot(cx, cy, radius, to);
  return `M${x1.toFixed(2)} ${y1.toFixed(2)}A${radius.toFixed(2)} ${radius.toFixed(2)} 0 ${SPAN * (to - from) > 180 ? 1 : 0} 1 ${x2.toFixed(2)} ${y2.toFixed(2)}`;
}

/** As much of a text as a width takes. */
export function fit(text: string, width: number, size: number): string {
  const most = Math.max(3, Math.floor(width / (size * 0.56)));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
