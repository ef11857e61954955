/**
 * show: exemplars over a chart: a diamond each, which is a link where its trace's place is known. In: exemplars, a plot. Out: elements over it; pointing or focus
 * shows labels, value and time. One stop for the Tab key; arrows go from one to the next. Made of text nodes: labels are chosen by others.
 */
import type uPlot from "uplot";

import { spread, traceLink, type Exemplar, type ExemplarLink, type Placed, type TraceLink } from "../dashboard/exemplars";
import { oneLine, cut } from "../parts/text";
import { addressOf } from "./links";
import { timeText } from "./times";
import { hideTip, showTip } from "./tip";

export interface Diamonds {
  exemplars: Exemplar[];
  links: readonly ExemplarLink[];
  timezone: string;
  said: (value: number) => string;
}

const LABELS_MAX = 16;

/** Draws them anew; the one that had the focus keeps it. */
export function drawDiamonds(plot: uPlot, scale: string | undefined, { exemplars, links, timezone, said }: Diamonds): void {
  const before = plot.over.querySelector<HTMLElement>(".diamonds");
  const focused = (before?.contains(document.activeElement) && (document.activeElement as HTMLElement).dataset.key) || undefined;
  before?.remove();
  const x = plot.scales.x;
  const seen = exemplars.filter((one) => x?.min != null && x.max != null && one.atMs >= x.min && one.atMs <= x.max);
  if (seen.length === 0 || scale === undefined) return;
  const { clientWidth: width, clientHeight: height } = plot.over;
  const inside = (at: number, most: number) => Math.round(Math.min(most, Math.max(0, at)));
  // One above or below what the axis shows stands at its edge.
  const placed = seen.map((exemplar): Placed => ({ exemplar, x: inside(plot.valToPos(exemplar.atMs, "x"), width), y: inside(plot.valToPos(exemplar.value, scale), height) }));
  const drawn = spread(placed.filter((one) => Number.isFinite(one.y)));
  const box = element("div", "diamonds");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Exemplars: ${drawn.length}${drawn.length < seen.length ? ` of ${seen.length}` : ""}`);
  const marks = drawn.map((one) => diamond(plot, box, one, traceLink(one.exemplar, links), timezone, said));
  box.append(...marks);
  if (drawn.length < seen.length) box.append(element("small", "diamonds-note", `${drawn.length} of ${seen.length} exemplars`));
  keys(box, marks);
  plot.over.append(box);
  const again = focused === undefined ? undefined : marks.find((mark) => mark.dataset.key === focused);
  (again ?? marks[0]!).tabIndex = 0;
  again?.focus({ preventScroll: true });
}

function diamond(plot: uPlot, box: HTMLElement, { exemplar, x, y }: Placed, link: TraceLink | undefined, timezone: string, said: (value: number) => string): HTMLElement {
  const mark = link?.url !== undefined ? document.createElement("a") : document.createElement("button");
  if (mark instanceof HTMLAnchorElement && link?.url !== undefined) {
    mark.href = addressOf(link);
    mark.target = "_blank";
    mark.rel = "noopener noreferrer";
  } else mark.setAttribute("type", "button");
  mark.className = "diamond";
  mark.tabIndex = -1;
  mark.style.left = `${x}px`;
  mark.style.top = `${y}px`;
  const labels = Object.entries(exemplar.labels);
  mark.dataset.key = `${exemplar.atMs} ${exemplar.value} ${JSON.stringify(labels)} ${JSON.stringify(exemplar.series)}`;
  const [time, value] = [timeText(exemplar.atMs, timezone), said(exemplar.value)];
  mark.setAttribute("aria-label", oneLine(cut(`Exemplar ${value}, ${time}${labels.map(([name, one]) => `, ${name} ${one}`).join("")}${link?.url !== undefined ? `, opens ${link.title}` : link ? `, not followed: ${link.why}` : ""}`, 300)));
  const tell = () => {
    const own = labels.slice(0, LABELS_MAX).map(([name, one]) => ({ name: oneLine(name), value: oneLine(cut(one, 80)) }));
    const series = Object.entries(exemplar.series).filter(([name]) => name !== "__name__").map(([name, one]) => `${name}=${one}`);
    const rect = plot.over.getBoundingClientRect();
    const foot = [oneLine(cut([exemplar.series.__name__ ?? "", ...series].filter((part) => part !== "").join(" "), 200)), link?.url !== undefined ? `click or Enter: ${oneLine(link.title)}` : link ? oneLine(cut(`${link.title}: ${link.why}`, 200)) : ""].filter((part) => part !== "").join("\n");
    showTip(box, rect.left + x, rect.top + y, time, [{ name: "exemplar", value, near: true }, ...own], foot);
  };
  mark.onmouseenter = mark.onfocus = tell;
  mark.onmouseleave = mark.onblur = () => hideTip(box);
  // Neither the crosshair's box nor a zoom begins here.
  for (const kind of ["mousemove", "mousedown", "dblclick"]) mark.addEventListener(kind, (event) => event.stopPropagation());
  return mark;
}

function keys(box: HTMLElement, marks: HTMLElement[]): void {
  box.onkeydown = (event) => {
    const at = marks.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") return hideTip(box);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: marks.length - 1 }[event.key];
    const next = at < 0 || to === undefined ? undefined : marks[Math.min(marks.length - 1, Math.max(0, to))];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    for (const mark of marks) mark.tabIndex = mark === next ? 0 : -1;
    next.focus({ preventScroll: true });
  };
}

function element(tag: string, className: string, content = ""): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  if (content) made.textContent = content;
  return made;
}
