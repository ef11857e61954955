/**
 * show: the panel table. In: frames. Out: rows that sort and filter, cells with colours, bars and links, a footer of figures. Only rows in sight are elements,
 * so that ten thousand rows scroll.
 */
import { useMemo, useRef, useState } from "preact/hooks";

import { calcTitle, displayOf, nameOf, option, record, reduce, shownText, strings, type Display, type DisplayValue, type Field, type Frame, type Shown } from "./kit";
import { Linked } from "./links";
import { Empty } from "./placeholder";
import { useSize } from "./size";
import { Spark } from "./spark";
import { fade, inkOn, legible, scheme } from "./theme";
import { plural } from "../parts/number";

export interface Column {
  field: Field;
  name: string;
  display: Display;
  align: "left" | "right" | "center";
  width?: number;
  minWidth: number;
  cell: string;
  cellMode: string;
  wholeRow: boolean;
  filterable: boolean;
}

interface Sort {
  name: string;
  desc: boolean;
}

const HEIGHTS: Record<string, number> = { sm: 28, md: 36, lg: 48 };

export default function Table({ panel, data, scope }: Shown) {
  const place = useRef<HTMLDivElement>(null);
  const size = useSize(place);
  const theme = scheme.value;
  const [chosenFrame, setFrame] = useState(typeof panel.options.frameIndex === "number" ? panel.options.frameIndex : 0);
  const [sort, setSort] = useState<Sort | undefined>(() => firstSort(panel.options.sortBy));
  const [filters, setFilters] = useState<Record<string, string>>({});
  const [filtering, setFiltering] = useState(false);
  const [scroll, setScroll] = useState(0);
  const frames = data.frames.filter((frame) => frame.fields.length > 0);
  const frame = frames[Math.min(chosenFrame, frames.length - 1)];
  const columns = useMemo(() => (frame ? columnsOf(frame, data.frames, scope.timezone, data.frames.length) : []), [frame, theme, scope.timezone]);
  const rows = useMemo(() => (frame ? rowsOf(frame, columns, filters, sort) : []), [frame, columns, filters, sort]);
  if (!frame || columns.length === 0) return <Empty data={data} />;
  const height = HEIGHTS[String(panel.options.cellHeight ?? "sm")] ?? 28;
  const first = Math.max(0, Math.floor(scroll / height) - 8);
  const last = Math.min(rows.length, Math.ceil((scroll + (size.height || 400)) / height) + 8);
  const widths = spread(columns, size.width);
  const footer = footerOf(panel.options, columns);
  return (
    <div class="grid-table">
      <div class="grid-scroll" ref={place} onScroll={(event) => setScroll(event.currentTarget.scrollTop)} tabIndex={0} role="region" aria-label={`${panel.title || "Table"}: ${plural(rows.length, "row")}`}>
        <table style={{ width: `${widths.reduce((sum, width) => sum + width, 0)}px` }}>
          <colgroup>
            {widths.map((width, at) => (
              <col key={at} style={{ width: `${width}px` }} />
            ))}
          </colgroup>
          {panel.options.showHeader !== false && (
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.name} style={{ textAlign: column.align }} aria-sort={sort?.name === column.name ? (sort.desc ? "descending" : "ascending") : "none"}>
                    <button type="button" title={column.name.slice(0, 300)} onClick={() => setSort(turn(sort, column.name))}>
                      {column.name.slice(0, 200)}
                      {sort?.name === column.name && <span aria-hidden="true">{sort.desc ? " ↓" : " ↑"}</span>}
                    </button>
                    {filtering && (
                      <input
                        type="search"
                        aria-label={`Filter ${column.name.slice(0, 100)}`}
                        placeholder="filter"
                        value={filters[column.name] ?? ""}
                        onInput={(event) => setFilters({ ...filters, [column.name]: event.currentTarget.value })}
                      />
                    )}
                  </th>
                ))}
              </tr>
            </thead>
          )}
          <tbody>
            {first > 0 && <tr aria-hidden="true" style={{ height: `${first * height}px` }} />}
            {rows.slice(first, last).map((row) => (
              <Row key={row} row={row} frame={frame} columns={columns} height={height} scope={scope} />
            ))}
            {last < rows.length && <tr aria-hidden="true" style={{ height: `${(rows.length - last) * height}px` }} />}
          </tbody>
          {footer && (
            <tfoot>
              <tr>
                {columns.map((column, at) => (
                  <td key={at} style={{ textAlign: column.align }}>
                    {footer(column, rows, at)}
                  </td>
                ))}
              </tr>
            </tfoot>
          )}
        </table>
        {rows.length === 0 && <p class="quiet grid-none">{frame.length === 0 ? "No rows." : "No row fits the filters."}</p>}
      </div>
      <div class="grid-foot">
        {frames.length > 1 && (
          <select aria-label="Which result" value={String(Math.min(chosenFrame, frames.length - 1))} onChange={(event) => setFrame(Number(event.currentTarget.value))}>
            {frames.slice(0, 500).map((one, at) => (
              <option key={at} value={String(at)}>
                {(one.name || one.refId || `Result ${at + 1}`).slice(0, 100)}
              </option>
            ))}
          </select>
        )}
        {(columns.some((column) => column.filterable) || rows.length > 20 || filtering) && (
          <button type="button" aria-pressed={filtering} onClick={() => (setFiltering(!filtering), setFilters({}))}>
            Filter
          </button>
        )}
        {(rows.length > 12 || rows.length !== frame.length) && <small>{rows.length === frame.length ? `${rows.length} rows` : `${rows.length} of ${plural(frame.length, "row")}`}</small>}
      </div>
    </div>
  );
}

function Row({ row, frame, columns, height, scope }: { row: number; frame: Frame; columns: Column[]; height: number; scope: Shown["scope"] }) {
  const whole = columns.find((column) => column.wholeRow);
  const rowColor = whole?.display(whole.field.values[row]).color;
  return (
    <tr style={{ height: `${height}px`, ...(rowColor ? { background: fade(rowColor, 0.25) } : {}) }}>
      {columns.map((column, at) => (
        <Cell key={at} column={column} row={row} frame={frame} height={height} scope={scope} />
      ))}
    </tr>
  );
}

interface CellProps {
  column: Column;
  row: number;
  frame: Frame;
  height: number;
  scope: Shown["scope"];
}

function Cell({ column, row, frame, height, scope }: CellProps) {
  const raw = column.field.values[row];
  if (isFrame(raw)) {
    const values = raw.fields.find((field) => field.type === "number");
    const times = raw.fields.find((field) => field.type === "time");
    return (
      <td>{values && times && <Spark times={times.values as number[]} values={values.values as (number | null)[]} color={column.display(reduce("lastNotNull", values)).color ?? "var(--accent)"} width={Math.max(60, (column.width ?? 140) - 16)} height={height - 8} />}</td>
    );
  }
  const value = column.display(raw);
  const text = column.cell === "json-view" && raw !== null && typeof raw === "object" ? JSON.stringify(raw).slice(0, 500) : shownText(value);
  const style: Record<string, string> = { textAlign: column.align };
  if (column.cell === "color-text" && value.color) style.color = legible(value.color);
  if (column.cell === "color-background" && value.color && !column.wholeRow) {
    style.background = column.cellMode === "gradient" ? `linear-gradient(120deg, ${fade(value.color, 0.95)}, ${fade(value.color, 0.72)})` : value.color;
    style.color = inkOn(value.color);
  }
  return (
    <td style={style} title={text.length > 24 ? text.slice(0, 1000) : undefined}>
      <Linked field={column.field} frame={frame} row={row} scope={scope}>
        {column.cell === "gauge" && Number.isFinite(value.numeric) ? <Bar value={value} text={text} mode={column.cellMode} field={column.field} /> : text.slice(0, 1000)}
      </Linked>
    </td>
  );
}

function Bar({ value, text, mode, field }: { value: DisplayValue; text: string; mode: string; field: Field }) {
  const part = Math.min(1, Math.max(0, value.percent ?? 0));
  const color = value.color ?? "var(--accent)";
  const hideText = record(field.config.custom.cellOptions).valueDisplayMode === "hidden";
  return (
    <span class="cell-bar">
      <span class="bar-track" aria-hidden="true">
        <i style={{ width: `${(part * 100).toFixed(1)}%`, height: "100%", background: mode === "gradient" ? `linear-gradient(to right, ${fade(color, 0.45)}, ${color})` : color }} />
      </span>
      {!hideText && <b style={{ color: legible(color) }}>{text}</b>}
    </span>
  );
}

const isFrame = (value: unknown): value is Frame => value !== null && typeof value === "object" && Array.isArray((value as Frame).fields);

export function columnsOf(frame: Frame, frames: Frame[], timezone: string, _count = 1): Column[] {
  const out: Column[] = [];
  for (const field of frame.fields) {
    const { custom } = field.config;
    if (custom.hidden === true || record(custom.hideFrom).viz === true) continue;
    const cell = record(custom.cellOptions);
    const old = typeof custom.displayMode === "string" ? custom.displayMode : "auto";
    const type = typeof cell.type === "string" ? cell.type : old;
    const align = option(custom, "align", ["auto", "left", "right", "center"]);
    const kind = /gauge/.test(type) ? "gauge" : /color-background/.test(type) ? "color-background" : type;
    out.push({
      field,
      name: nameOf(field, frame, frames),
      display: displayOf(field, timezone),
      align: align !== "auto" ? align : field.type === "number" && kind !== "gauge" ? "right" : "left",
      width: typeof custom.width === "number" && custom.width > 0 ? custom.width : undefined,
      minWidth: typeof custom.minWidth === "number" ? custom.minWidth : 70,
      cell: kind,
      cellMode: typeof cell.mode === "string" ? cell.mode : /basic|solid/.test(type) || old === "color-background-solid" ? "basic" : type === "color-background" && !cell.type ? "gradient" : /gradient/.test(type) ? "gradient" : "basic",
      wholeRow: cell.applyToRow === true,
      filterable: custom.filterable === true,
    });
  }
  // A name twice would be one column for sorting.
  const seen = new Map<string, number>();
  for (const column of out) {
    const count = (seen.get(column.name) ?? 0) + 1;
    seen.set(column.name, count);
    if (count > 1) column.name = `${column.name} ${count}`;
  }
  return out;
}

/** Fixed widths first; the others share what is left by what they hold. */
function spread(columns: Column[], width: number): number[] {
  const weight = (column: Column) => {
    let most = column.name.length;
    for (let row = 0; row < Math.min(30, column.field.values.length); row++) {
      const value = column.field.values[row];
      most = Math.max(most, Math.min(46, isFrame(value) ? 18 : shownText(column.display(value)).length));
    }
    return Math.max(column.minWidth, most * 7.6 + 20, column.cell === "gauge" ? 130 : 0);
  };
  const wanted = columns.map((column) => column.width ?? weight(column));
  const fixed = columns.reduce((sum, column, at) => sum + (column.width ? wanted[at]! : 0), 0);
  const free = columns.reduce((sum, column, at) => sum + (column.width ? 0 : wanted[at]!), 0);
  const room = width - fixed;
  if (free === 0 || room <= 0) return wanted;
  const share = room > free ? room / free : Math.max(room / free, 0.62);
  return wanted.map((one, at) => Math.floor(columns[at]!.width ? one : Math.max(columns[at]!.minWidth, one * share)));
}

export function rowsOf(frame: Frame, columns: Column[], filters: Record<string, string>, sort: Sort | undefined): number[] {
  let rows = Array.from({ length: frame.length }, (_, at) => at);
  for (const column of columns) {
    const wanted = filters[column.name]?.trim().toLowerCase();
    if (wanted) rows = rows.filter((row) => shownText(column.display(column.field.values[row])).toLowerCase().includes(wanted));
  }
  const by = columns.find((column) => column.name === sort?.name);
  if (!by || !sort) return rows;
  const way = sort.desc ? -1 : 1;
  const values = by.field.values;
  return rows.sort((a, b) => {
    const [one, other] = [values[a], values[b]];
    // What is missing stands last, whichever way.
    if (one == null || other == null) return one == null ? (other == null ? 0 : 1) : -1;
    if (typeof one === "number" && typeof other === "number") return way * (one - other || 0);
    return way * String(one).localeCompare(String(other), "en", { numeric: true });
  });
}

function firstSort(value: unknown): Sort | undefined {
  const first = Array.isArray(value) ? record(value[0]) : {};
  return typeof first.displayName === "string" ? { name: first.displayName, desc: first.desc === true } : undefined;
}

/** Up, down, as it came. */
function turn(sort: Sort | undefined, name: string): Sort | undefined {
  if (sort?.name !== name) return { name, desc: false };
  return sort.desc ? undefined : { name, desc: true };
}

function footerOf(options: Record<string, unknown>, columns: Column[]): ((column: Column, rows: number[], at: number) => string) | undefined {
  const footer = record(options.footer);
  const own = columns.some((column) => strings(record(column.field.config.custom.footer).reducers).length > 0);
  if (footer.show !== true && !own) return undefined;
  const fields = typeof footer.fields === "string" ? (footer.fields ? [footer.fields] : []) : strings(footer.fields);
  return (column, rows, at) => {
    const calcs = own ? strings(record(column.field.config.custom.footer).reducers) : strings(footer.reducer);
    if (footer.countRows === true && calcs.includes("count")) return at === 0 ? `Count ${rows.length}` : "";
    if (column.field.type !== "number" || (fields.length && !fields.includes(column.name) && !fields.includes(column.field.name))) return at === 0 && !own ? calcs.map(calcTitle).join(", ") : "";
    const values = rows.map((row) => column.field.values[row]);
    return calcs.map((calc) => shownText(column.display(reduce(calc, { type: "number", values })))).join(" / ");
  };
}
