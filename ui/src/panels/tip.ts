/**
 * show: the box beside the pointer. One for the whole page, made of text nodes only: names are chosen by others.
 * In: a title, rows, a place in the window. Never covers the pointer; keeps inside the window; `hideTip` when the chart goes.
 */

export interface TipRow {
  color?: string;
  name: string;
  value: string;
  /** The one that the pointer is nearest to. */
  near?: boolean;
}

const ROWS_MAX = 24;

let box: HTMLElement | undefined;
let owner: object | undefined;

export function showTip(by: object, x: number, y: number, title: string, rows: TipRow[], foot = ""): void {
  if (!box) {
    box = document.createElement("div");
    box.className = "tip";
    box.setAttribute("role", "tooltip");
    document.body.append(box);
  }
  owner = by;
  const kept = shorten(rows);
  const parts: Node[] = [];
  if (title) parts.push(text("div", "tip-title", title));
  for (const row of kept) {
    const line = text("div", row.near ? "tip-row near" : "tip-row", "");
    const mark = text("i", "mark", "");
    if (row.color) mark.style.background = row.color;
    else mark.hidden = true;
    line.append(mark, text("span", "tip-name", row.name.slice(0, 200)), text("b", "", row.value.slice(0, 200)));
    parts.push(line);
  }
  if (rows.length > kept.length) parts.push(text("div", "tip-foot", `and ${rows.length - kept.length} more`));
  if (foot) parts.push(text("div", "tip-foot", foot.slice(0, 500)));
  box.replaceChildren(...parts);
  box.hidden = false;
  place(box, x, y);
}

export function hideTip(by: object): void {
  if (box && owner === by) {
    box.hidden = true;
    owner = undefined;
  }
}

/** The rows around the nearest one, when there are too many. */
function shorten(rows: TipRow[]): TipRow[] {
  if (rows.length <= ROWS_MAX) return rows;
  const near = rows.findIndex((row) => row.near);
  const from = Math.min(Math.max(0, near - ROWS_MAX / 2), rows.length - ROWS_MAX);
  return rows.slice(from, from + ROWS_MAX);
}

function text(tag: string, className: string, content: string): HTMLElement {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (content) element.textContent = content;
  return element;
}

function place(element: HTMLElement, x: number, y: number): void {
  const { offsetWidth: width, offsetHeight: height } = element;
  const left = x + 14 + width > innerWidth ? Math.max(4, x - 14 - width) : x + 14;
  const top = Math.min(Math.max(4, y - height / 2), Math.max(4, innerHeight - height - 4));
  element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}
