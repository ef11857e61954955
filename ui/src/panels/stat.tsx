/** show: the panel stat: figures as large as their place allows, with a sparkline behind. In: readings. Out: one cell each. */
import { useRef } from "preact/hooks";

import { option, record, reduce, shownText, type Shown } from "./kit";
import { Linked } from "./links";
import { Empty } from "./placeholder";
import { useSize } from "./size";
import { Spark } from "./spark";
import { channels, inkOn, legible, scheme, textWidth } from "./theme";
import { columnsFor, readingsOf, sparkOf, type Reading } from "./values";

export default function Stat({ panel, data, scope }: Shown) {
  const place = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(place);
  void scheme.value;
  const readings = readingsOf(data, panel.options, scope.timezone);
  const orientation = option(panel.options, "orientation", ["auto", "horizontal", "vertical"]);
  const columns = orientation === "horizontal" ? 1 : orientation === "vertical" ? readings.length : columnsFor(readings.length, width || 1, height || 1, 2.2);
  const rows = Math.ceil(readings.length / Math.max(1, columns));
  const gap = 6;
  const cellWidth = (width - gap * (columns - 1)) / Math.max(1, columns);
  const cellHeight = Math.max(26, (height - gap * (rows - 1)) / Math.max(1, rows));
  return (
    <div class="cells" ref={place} style={{ gridTemplateColumns: `repeat(${Math.max(1, columns)}, minmax(0, 1fr))`, gridAutoRows: `${Math.floor(cellHeight)}px` }}>
      {readings.length === 0 && <Empty data={data} />}
      {width > 0 && readings.map((reading, at) => <Cell key={at} reading={reading} alone={readings.length === 1} options={panel.options} width={cellWidth} height={cellHeight} scope={scope} />)}
    </div>
  );
}

interface CellProps {
  reading: Reading;
  alone: boolean;
  options: Record<string, unknown>;
  width: number;
  height: number;
  scope: Shown["scope"];
}

function Cell({ reading, alone, options, width, height, scope }: CellProps) {
  const colorMode = option(options, "colorMode", ["value", "none", "background", "background_solid"]);
  const textMode = option(options, "textMode", ["auto", "value", "value_and_name", "name", "none"]);
  const filled = colorMode === "background" || colorMode === "background_solid";
  const shownName = textMode === "name" || textMode === "value_and_name" || (textMode === "auto" && !alone);
  const shownValue = textMode !== "name" && textMode !== "none";
  const spark = option(options, "graphMode", ["area", "none", "line"]) === "none" ? undefined : sparkOf(reading);
  const centered = option(options, "justifyMode", ["auto", "center"]) === "center" || (alone && !spark);
  const ink = filled ? inkOn(reading.color) : undefined;
  const sizes = record(options.text);
  const room = spark ? 0.62 : 0.86;
  const nameSize = shownName ? Math.min(numberOr(sizes.titleSize, 100), Math.max(11, Math.min(height * (shownValue ? 0.2 : 0.4), width * 0.08, shownValue ? 18 : 40))) : 0;
  const text = shownText(reading.value);
  const valueSize = numberOr(sizes.valueSize, Math.max(13, Math.min((height - nameSize * 1.5) * room * 0.85, 64, (100 * (width - 20)) / Math.max(1, textWidth(text, "600 100px system-ui, sans-serif")))));
  const style: Record<string, string> = { justifyContent: "center", paddingBottom: spark && height > 70 ? `${Math.round(height * 0.34)}px` : "2px", alignItems: centered ? "center" : "flex-start", textAlign: centered ? "center" : "left" };
  if (filled) {
    const [red, green, blue] = channels(reading.color);
    style.background = colorMode === "background" ? `linear-gradient(120deg, rgb(${red} ${green} ${blue}), rgb(${red} ${green} ${blue} / .78))` : reading.color;
    style.color = ink!;
  }
  const change = options.showPercentChange === true ? reduce("diffperc", reading.field) : undefined;
  return (
    <Linked field={reading.field} frame={reading.frame} row={reading.row ?? reading.frame.length - 1} scope={scope} class={filled ? "cell filled" : "cell"} style={style}>
      {spark && (
        <div class="cell-spark">
          <Spark {...spark} color={filled ? ink! : colorMode === "none" ? "var(--quiet)" : reading.color} width={Math.floor(width)} height={Math.floor(Math.max(10, height * (shownName || shownValue ? 0.36 : 0.9)))} />
        </div>
      )}
      {shownName && (
        <span class="cell-name" style={{ fontSize: `${nameSize}px` }} title={reading.name.slice(0, 300)}>
          {reading.name.slice(0, 200)}
        </span>
      )}
      {shownValue && (
        <b class="cell-value" style={{ fontSize: `${valueSize}px`, color: colorMode === "value" ? legible(reading.color, valueSize >= 24 ? 3 : 4.5) : "inherit" }}>
          {reading.value.prefix && <small>{reading.value.prefix}</small>}
          {reading.value.text}
          {reading.value.suffix && <small>{reading.value.suffix}</small>}
        </b>
      )}
      {typeof change === "number" && Number.isFinite(change) && <small class="cell-change">{`${change >= 0 ? "+" : ""}${(change * 100).toFixed(1)}%`}</small>}
    </Linked>
  );
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === "number" && value > 0 ? value : otherwise);
