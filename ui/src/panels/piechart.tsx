/** show: the panel piechart: parts of a whole, as a pie or a ring. In: readings; what is below zero or no number has no part. Out: SVG and a legend. */
import { useRef, useState } from "preact/hooks";

import { option, record, shownText, strings, type Shown } from "./kit";
import { chosen, Legend, legendOptions } from "./legend";
import { Empty } from "./placeholder";
import { useSize } from "./size";
import { inkOn, scheme } from "./theme";
import { hideTip, showTip } from "./tip";
import { readingsOf, type Reading } from "./values";

export default function PieChart({ panel, data, scope }: Shown) {
  const outer = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const whole = useSize(outer);
  const { width, height } = useSize(place);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  void scheme.value;
  const all = readingsOf(data, panel.options, scope.timezone).filter((reading) => Number.isFinite(reading.value.numeric));
  const shown = all.filter((reading) => !hidden.has(reading.name) && reading.value.numeric > 0);
  const sum = shown.reduce((total, reading) => total + reading.value.numeric, 0);
  const legend = legendOptions(panel.options, whole.width, 230);
  const extra = strings(record(panel.options.legend).values);
  const labels = strings(panel.options.displayLabels);
  const share = (reading: Reading) => (sum > 0 && reading.value.numeric > 0 && !hidden.has(reading.name) ? `${((reading.value.numeric / sum) * 100).toFixed(sum > 0 && reading.value.numeric / sum < 0.01 ? 1 : 0)}%` : "-");
  const items = all.map((reading) => ({
    name: reading.name,
    color: reading.color,
    figures: extra.map((kind) => (kind === "percent" ? { text: share(reading), value: reading.value.numeric } : { text: shownText(reading.value), value: reading.value.numeric })),
  }));
  return (
    <div class={`chart-panel ${legend.placement}`} ref={outer}>
      <div class="pie" ref={place}>
        {all.length === 0 ? (
          <Empty data={data} />
        ) : sum === 0 ? (
          <Empty data={data} reason="Every part is nought: there is no whole to divide." />
        ) : (
          width > 0 && <Pie readings={shown} sum={sum} width={width} height={height} ring={option(panel.options, "pieType", ["pie", "donut"]) === "donut"} labels={labels} share={share} />
        )}
      </div>
      {legend.show && all.length > 0 && (
        <Legend
          options={legend}
          items={items}
          columns={extra.map((kind) => (kind === "percent" ? "Percent" : "Value"))}
          hidden={hidden}
          choose={(name, add) => setHidden(chosen(hidden, all.map((reading) => reading.name), name, add))}
          hover={() => undefined}
        />
      )}
    </div>
  );
}

interface PieProps {
  readings: Reading[];
  sum: number;
  width: number;
  height: number;
  ring: boolean;
  labels: string[];
  share: (reading: Reading) => string;
}

function Pie({ readings, sum, width, height, ring, labels, share }: PieProps) {
  const owner = useRef({});
  const radius = Math.max(10, Math.min(width, height) / 2 - 6);
  const hole = ring ? radius * 0.6 : 0;
  let from = -Math.PI / 2;
  return (
    <svg width={width} height={height} role="img" aria-label={readings.slice(0, 12).map((reading) => `${reading.name.slice(0, 60)} ${share(reading)}`).join(", ")} onMouseLeave={() => hideTip(owner.current)}>
      <g transform={`translate(${width / 2} ${height / 2})`}>
        {readings.map((reading, at) => {
          const angle = (reading.value.numeric / sum) * 2 * Math.PI;
          const start = from;
          from += angle;
          const middle = start + angle / 2;
          const text = labels.map((label) => (label === "percent" ? share(reading) : label === "value" ? shownText(reading.value) : reading.name.slice(0, 24))).join(" ");
          const at2 = hole + (radius - hole) * (ring ? 0.5 : 0.62);
          return (
            <g key={at}>
              <path
                class="slice"
                d={slice(radius, hole, start, start + angle)}
                fill={reading.color}
                onMouseMove={(event) => showTip(owner.current, event.clientX, event.clientY, "", [{ color: reading.color, name: reading.name, value: `${shownText(reading.value)} (${share(reading)})`, near: true }])}
              />
              {labels.length > 0 && angle > 0.22 && (
                <text x={at2 * Math.cos(middle)} y={at2 * Math.sin(middle) + 4} text-anchor="middle" class="slice-label" fill={inkOn(reading.color)}>
                  {text}
                </text>
              )}
            </g>
          );
        })}
      </g>
    </svg>
  );
}

function slice(radius: number, hole: number, from: number, to: number): string {
  const spot = (r: number, angle: number) => `${(r * Math.cos(angle)).toFixed(2)} ${(r * Math.sin(angle)).toFixed(2)}`;
  // A whole circle has no corner to begin at: two halves.
  if (to - from >= 2 * Math.PI - 1e-6) {
    const circle = (r: number, way: number) => (r > 0 ? `M${spot(r, 0)}A${r} ${r} 0 1 ${way} ${spot(r, Math.PI)}A${r} ${r} 0 1 ${way} ${spot(r, 0)}Z` : "");
    return circle(radius, 1) + circle(hole, 0);
  }
  const large = to - from > Math.PI ? 1 : 0;
  if (hole <= 0) return `M0 0L${spot(radius, from)}A${radius} ${radius} 0 ${large} 1 ${spot(radius, to)}Z`;
  return `M${spot(radius, from)}A${radius} ${radius} 0 ${large} 1 ${spot(radius, to)}L${spot(hole, to)}A${hole} ${hole} 0 ${large} 0 ${spot(hole, from)}Z`;
}
