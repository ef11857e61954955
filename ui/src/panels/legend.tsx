/**
 * show: the names of a chart's lines, as a list or a table of figures. In: items and the legend's options. Out: clicks (alone, and on or off with Ctrl or Shift),
 * the name that is pointed at. Shows a hundred rows, and more when asked.
 */
import { useState } from "preact/hooks";

import { calcTitle, reduce, shownText, type Display, type Field } from "./kit";
import { textWidth } from "./theme";

export interface LegendItem {
  name: string;
  color: string;
  /** Text and number of each column. */
  figures: { text: string; value: number }[];
}

export interface LegendOptions {
  show: boolean;
  mode: "list" | "table";
  placement: "bottom" | "right";
  calcs: string[];
  sortBy?: string;
  sortDesc: boolean;
  width?: number;
}

interface Props {
  options: LegendOptions;
  items: LegendItem[];
  columns: string[];
  hidden: ReadonlySet<string>;
  choose: (name: string, add: boolean) => void;
  hover: (name: string | undefined) => void;
}

const ROWS = 100;

export function legendOptions(options: Record<string, unknown>, width: number, roomFor = 420): LegendOptions {
  const legend = (options.legend && typeof options.legend === "object" ? options.legend : {}) as Record<string, unknown>;
  const calcs = Array.isArray(legend.calcs) ? legend.calcs.filter((calc): calc is string => typeof calc === "string") : [];
  return {
    show: legend.showLegend !== false && legend.displayMode !== "hidden",
    mode: legend.displayMode === "table" ? "table" : "list",
    // A narrow chart keeps its width for itself.
    placement: legend.placement === "right" && width > roomFor ? "right" : "bottom",
    calcs: [...new Set(calcs)].slice(0, 8),
    sortBy: typeof legend.sortBy === "string" ? legend.sortBy : undefined,
    sortDesc: legend.sortDesc === true,
    width: typeof legend.width === "number" ? legend.width : undefined,
  };
}

interface Group {
  name: string;
  color: string;
  field: Field;
  display: Display;
}

interface GroupProps {
  options: LegendOptions;
  groups: Group[];
  hidden: ReadonlySet<string>;
  setHidden: (hidden: ReadonlySet<string>) => void;
}

/** Of groups of bars, each with the figures of all of its values. */
export function GroupLegend({ options, groups, hidden, setHidden }: GroupProps) {
  if (!options.show) return null;
  const figures = ({ field, display }: Group) => options.calcs.map((calc) => ({ text: shownText(display(reduce(calc, field))), value: Number(reduce(calc, field)) }));
  return (
    <Legend
      options={options}
      items={groups.map((group) => ({ name: group.name, color: group.color, figures: figures(group) }))}
      columns={options.calcs.map(calcTitle)}
      hidden={hidden}
      choose={(name, add) => setHidden(chosen(hidden, groups.map((group) => group.name), name, add))}
      hover={() => undefined}
    />
  );
}

export function Legend({ options, items, columns, hidden, choose, hover }: Props) {
  const [sort, setSort] = useState<{ by: string; desc: boolean } | undefined>(options.sortBy ? { by: options.sortBy, desc: options.sortDesc } : undefined);
  const [rows, setRows] = useState(ROWS);
  const sorted = order(items, columns, sort);
  const shown = sorted.slice(0, rows);
  const more = sorted.length > rows && (
    <button type="button" class="legend-more" onClick={() => setRows(rows + 1000)}>
      {sorted.length - rows} more
    </button>
  );
  const name = (item: LegendItem) => (
    <button
      type="button"
      class="legend-name"
      aria-pressed={!hidden.has(item.name)}
      title={item.name.slice(0, 500)}
      onClick={(event) => choose(item.name, event.ctrlKey || event.metaKey || event.shiftKey)}
      onMouseEnter={() => hover(item.name)}
      onMouseLeave={() => hover(undefined)}
    >
      <i class="mark" style={{ background: item.color }} />
      <span>{item.name.slice(0, 300) || "(no name)"}</span>
    </button>
  );
  const style = options.placement === "right" ? { width: `${options.width ? Math.min(600, Math.max(60, options.width)) : wide(shown, columns, options.mode)}px` } : undefined;
  if (options.mode === "list") {
    return (
      <ul class={`legend ${options.placement}`} style={style} aria-label="Legend">
        {shown.map((item, at) => (
          <li key={at}>
            {name(item)}
            {item.figures.map((figure, column) => (
              <span key={column} class="legend-figure">
                <small>{columns[column]}</small> {figure.text}
              </span>
            ))}
          </li>
        ))}
        {more && <li>{more}</li>}
      </ul>
    );
  }
  const head = (title: string, by: string) => (
    <th key={by} class={by === "Name" ? "" : "num"} aria-sort={sort?.by === by ? (sort.desc ? "descending" : "ascending") : "none"}>
      <button type="button" onClick={() => setSort(turn(sort, by))}>
        {title}
        {sort?.by === by ? (sort.desc ? " ↓" : " ↑") : ""}
      </button>
    </th>
  );
  return (
    <div class={`legend in-table ${options.placement}`} style={style} tabIndex={0} role="region" aria-label="Legend">
      <table>
        <thead>
          <tr>
            {head("Name", "Name")}
            {columns.map((column) => head(column, column))}
          </tr>
        </thead>
        <tbody>
          {shown.map((item, at) => (
            <tr key={at} class={hidden.has(item.name) ? "off" : undefined}>
              <td>{name(item)}</td>
              {item.figures.map((figure, column) => (
                <td key={column} class="num">
                  {figure.text}
                </td>
              ))}
            </tr>
          ))}
          {more && (
            <tr>
              <td colSpan={columns.length + 1}>{more}</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

/** How wide a legend beside a chart would like to be; the style sheet bounds it. */
function wide(items: LegendItem[], columns: string[], mode: "list" | "table"): number {
  const some = items.slice(0, 60);
  const names = Math.max(40, ...some.map((item) => textWidth(item.name.slice(0, 60), WIDE_FONT))) + 34;
  const figures = columns.map((column, at) => Math.max(textWidth(column, WIDE_FONT), ...some.map((item) => textWidth(item.figures[at]?.text ?? "", WIDE_FONT))) + (mode === "table" ? 18 : 8));
  return Math.ceil(names + figures.reduce((sum, width) => sum + width, 0) + 8);
}

const WIDE_FONT = "12px system-ui, sans-serif";

function turn(sort: { by: string; desc: boolean } | undefined, by: string) {
  if (sort?.by !== by) return { by, desc: by !== "Name" };
  return { by, desc: !sort.desc };
}

function order(items: LegendItem[], columns: string[], sort: { by: string; desc: boolean } | undefined): LegendItem[] {
  if (!sort) return items;
  const way = sort.desc ? -1 : 1;
  if (sort.by === "Name") return [...items].sort((a, b) => way * a.name.localeCompare(b.name));
  const column = columns.findIndex((title) => title.toLowerCase() === sort.by.toLowerCase());
  if (column < 0) return items;
  const rank = (item: LegendItem) => item.figures[column]?.value ?? NaN;
  // What has no figure stands last, whichever way.
  return [...items].sort((a, b) => (Number.isNaN(rank(a)) ? 1 : Number.isNaN(rank(b)) ? -1 : way * (rank(a) - rank(b))));
}

/** A click shows one line alone, and all again; with Ctrl or Shift it takes one away or back. */
export function chosen(hidden: ReadonlySet<string>, names: string[], name: string, add: boolean): Set<string> {
  if (add) {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    return next;
  }
  const alone = !hidden.has(name) && names.every((other) => other === name || hidden.has(other));
  return alone ? new Set() : new Set(names.filter((other) => other !== name));
}
