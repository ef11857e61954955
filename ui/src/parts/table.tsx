/**
 * show: a dense table that sorts. In: rows and columns. Out: a table; on a phone each row is a card with its titles.
 *
 * The order is in the address (`sort=name`, `sort=-name`). Rows above `pageSize` come on demand, so that 10,000 rows do not stop the page.
 */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { place, setQuery } from "../router";
import { ordered } from "./sort";

export interface Column<Row> {
  key: string;
  title: string;
  /** What rows are ordered by; without it the column does not sort. */
  value?: (row: Row) => string | number | null | undefined;
  /** What is shown; the value unless given. */
  cell?: (row: Row) => ComponentChildren;
  /** Right, with digits under each other. */
  num?: boolean;
  /** What the title means. */
  help?: string;
  class?: string;
  /** Of the table (`24%`, `90px`), so that several tables under each other have the same columns. */
  width?: string;
}

interface TableProps<Row> {
  rows: readonly Row[];
  columns: Column<Row>[];
  rowKey: (row: Row) => string | number;
  /** For screen readers. */
  caption: string;
  /** `name` or `-name`; none: as given. */
  sort?: string;
  /** Name in the address when a page has several tables. */
  sortName?: string;
  pageSize?: number;
  /** More about a row, opened by a button at its start. */
  detail?: (row: Row) => ComponentChildren;
  /** Rows that are open at first. */
  isOpen?: (row: Row) => boolean;
  rowClass?: (row: Row) => string | undefined;
}

export function Table<Row>({ rows, columns, rowKey, caption, sort = "", sortName = "sort", pageSize = 200, detail, isOpen, rowClass }: TableProps<Row>) {
  const [pages, setPages] = useState(1);
  const [toggled, setToggled] = useState<ReadonlySet<string | number>>(new Set());
  const chosen = place.value.query.get(sortName) ?? sort;
  const descending = chosen.startsWith("-");
  const by = columns.find((column) => column.key === chosen.replace(/^-/, "") && column.value);
  const sorted = by?.value ? ordered(rows, by.value, descending) : rows;
  const shown = sorted.slice(0, pages * pageSize);
  const toggle = (key: string | number) => {
    const next = new Set(toggled);
    if (!next.delete(key)) next.add(key);
    setToggled(next);
  };
  return (
    <>
      <table class={columns.some((column) => column.width) ? "stack fixed" : "stack"} role="table">
        <caption class="unseen">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {detail && (
              <th role="columnheader" class="toggle">
                <span class="unseen">More</span>
              </th>
            )}
            {columns.map((column) => (
              <Head key={column.key} column={column} order={column !== by ? undefined : descending ? "descending" : "ascending"} sortName={sortName} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row) => {
            const key = rowKey(row);
            const open = toggled.has(key) !== (isOpen?.(row) ?? false);
            return [
              <tr key={key} role="row" class={rowClass?.(row)}>
                {detail && (
                  <td role="cell" class="toggle">
                    <button type="button" class="plain" aria-expanded={open} aria-label={open ? "less" : "more"} onClick={() => toggle(key)}>
                      {open ? "▾" : "▸"}
                    </button>
                  </td>
                )}
                {columns.map((column) => (
                  <td key={column.key} role="cell" data-title={column.title} class={`${column.num ? "num" : ""} ${column.class ?? ""}`}>
                    <div class="cell">{column.cell ? column.cell(row) : column.value?.(row)}</div>
                  </td>
                ))}
              </tr>,
              detail && open && (
                <tr key={`${key} more`} role="row" class="detail">
                  <td role="cell" colSpan={columns.length + 1}>
                    {detail(row)}
                  </td>
                </tr>
              ),
            ];
          })}
        </tbody>
      </table>
      {sorted.length > shown.length && (
        <p class="more">
          <button type="button" onClick={() => setPages(pages + 1)}>
            Show {Math.min(pageSize, sorted.length - shown.length)} more of {sorted.length - shown.length}
          </button>
        </p>
      )}
    </>
  );
}

function Head<Row>({ column, order, sortName }: { column: Column<Row>; order: "ascending" | "descending" | undefined; sortName: string }) {
  const next = order === undefined ? (column.num ? `-${column.key}` : column.key) : order === "ascending" ? `-${column.key}` : column.key;
  return (
    <th role="columnheader" aria-sort={order} class={column.num ? "num" : undefined} title={column.help} style={column.width ? { width: column.width } : undefined}>
      {column.value ? (
        <button type="button" class="plain" onClick={() => setQuery({ [sortName]: next })}>
          {column.title}
          <span aria-hidden="true" class="order">
            {order === "ascending" ? " ▲" : order === "descending" ? " ▼" : ""}
          </span>
        </button>
      ) : (
        column.title
      )}
    </th>
  );
}
