/**
 * show: asks what a panel asks and makes its frames: variables, step, requests, frames, transformations, field config.
 *
 * In: a panel, the dashboard's scope, a way to ask, how many pixels there are. Out: `PanelData`, always; an error is in it, not thrown
 * (only an abort is). Never asks for a panel that cannot be drawn.
 */
import { emptyReason } from "./empty";
import { askExemplars } from "./exemplars";
import { fillExpression, type Hole } from "./expression";
import { framesOf } from "./frames";
import { applyFieldConfig } from "./fieldconfig";
import { interpolate, lookupIn } from "./interpolate";
import { offsetMs } from "./dates";
import { POINTS_MAX, stepsOf } from "./interval";
import type { Ask, Frame, Panel, PanelData, Scope, Target } from "./model";
import { panelRange } from "./range";
import { addMatchers, type Matcher } from "./selectors";
import { transform } from "./transform";

/** More series than this are not drawn; the panel says so. */
export const SERIES_MAX = 10_000;

interface Request {
  target: Target;
  expr: string;
  /** Where values were put in; absent: filters were added too, so places are not known. */
  holes?: Hole[];
  /** `__interval` and the like, as they were put in. */
  macros: Record<string, string>;
  stepMs: number;
  instant: boolean;
  fromMs: number;
  toMs: number;
}

export async function runPanel(panel: Panel, scope: Scope, ask: Ask, widthPx: number, abort?: AbortSignal): Promise<PanelData> {
  const range = panelRange(withValues(panel, scope), scope);
  const out: PanelData = { state: "done", frames: [], fromMs: range.fromMs, toMs: range.toMs, stepMs: 0, warnings: [], sent: [], annotations: [] };
  if (panel.undrawable !== undefined || panel.type === "row" || panel.type === "text") return out;
  const requests = requestsOf(panel, scope, range, widthPx);
  out.stepMs = requests.reduce((most, one) => Math.max(most, one.stepMs), 0);
  out.sent = requests.map(({ target, expr, holes, macros, stepMs, instant }) => ({ refId: target.refId, expr, holes, macros, written: target.expr, stepMs, instant }));
  const exemplars = withExemplars(panel, requests);
  const [answers, behind] = await Promise.all([
    Promise.allSettled(requests.map((request) => askOne(request, ask, abort))),
    Promise.allSettled(exemplars.map(({ expr, fromMs, toMs }) => askExemplars(expr, fromMs, toMs, ask, abort))),
  ]);
  if (abort?.aborted) throw abort.reason;
  const tables = new Set(requests.filter((one) => one.target.format === "table").map((one) => one.target.refId)).size;
  answers.forEach((answer, at) => {
    const request = requests[at]!;
    if (answer.status === "rejected") {
      out.state = "error";
      out.error ??= answer.reason instanceof Error ? answer.reason.message : String(answer.reason);
      out.errorRefId ??= request.target.refId;
      return;
    }
    out.frames.push(...framesOf(answer.value.data, request.target, request.stepMs, request.instant, tables));
    for (const warning of answer.value.warnings ?? []) if (!out.warnings.includes(warning)) out.warnings.push(warning);
  });
  behind.forEach((found, at) => {
    if (found.status === "fulfilled") out.exemplars = [...(out.exemplars ?? []), ...found.value];
    else out.warnings.push(`exemplars of query ${exemplars[at]!.target.refId}: ${found.reason instanceof Error ? found.reason.message : String(found.reason)}`);
  });
  finish(panel, scope, out);
  if (out.state === "done") out.emptyReason = await emptyReason(panel, scope, out, ask, abort);
  return out;
}

/** Transformations and field config over frames that were found; also for a panel that reuses another's. */
export function finish(panel: Panel, scope: Scope, data: PanelData): PanelData {
  let frames: Frame[] = data.frames;
  if (frames.length > SERIES_MAX) {
    data.warnings.push(`${frames.length} series were found; the first ${SERIES_MAX} are shown`);
    frames = frames.slice(0, SERIES_MAX);
  }
  if (panel.timeShift) frames = shifted(frames, scope.toMs - data.toMs);
  const lookup = lookupIn(scope, panel);
  const done = transform(frames, filled(panel.transformations, (text) => interpolate(text, lookup)));
  data.warnings.push(...done.warnings);
  const configured = applyFieldConfig(done.frames, filled(panel.fieldConfig, (text) => (text.includes("${__") ? text : interpolate(text, lookup))));
  data.frames = configured.map((frame) => (frame.fields.some((field) => field.config.custom.nullAsZero === true) ? withZeros(frame, data) : frame));
  return data;
}

/** The old graph's "null as zero": where a series has no point, it is drawn at 0. Never more points than Prometheus gives. */
function withZeros(frame: Frame, { fromMs, toMs }: PanelData): Frame {
  const time = frame.fields.find((field) => field.type === "time");
  const stepMs = time?.config.interval;
  if (!time || !stepMs || (toMs - fromMs) / stepMs > POINTS_MAX || time.values.length === 0) return frame;
  const known = new Map(time.values.map((value, at) => [value, at]));
  const first = Number(time.values[0]);
  const start = first - Math.floor((first - fromMs) / stepMs) * stepMs;
  const times = Array.from({ length: Math.floor((toMs - start) / stepMs) + 1 }, (_one, at) => start + at * stepMs);
  const fields = frame.fields.map((field) => {
    if (field === time) return { ...field, values: times };
    const zero = field.config.custom.nullAsZero === true ? 0 : null;
    return { ...field, values: times.map((at) => (known.has(at) ? (field.values[known.get(at)!] ?? zero) : zero)) };
  });
  return { ...frame, fields, length: times.length };
}

/** Variables in all texts of a part of the file. */
function filled<T>(value: T, fill: (text: string) => string): T {
  if (typeof value === "string") return (value.includes("$") || value.includes("[[") ? fill(value) : value) as T;
  if (Array.isArray(value)) return value.map((one) => filled(one, fill)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, fill)])) as T;
}

function withValues(panel: Panel, scope: Scope): Pick<Panel, "timeFrom" | "timeShift"> {
  const lookup = lookupIn(scope, panel);
  const fill = (text: string | undefined) => (text === undefined ? undefined : interpolate(text, lookup));
  return { timeFrom: fill(panel.timeFrom), timeShift: fill(panel.timeShift) };
}

/** Points of an earlier time are drawn over the range of the dashboard. */
function shifted(frames: Frame[], byMs: number): Frame[] {
  const move = (values: unknown[]) => values.map((value) => (typeof value === "number" ? value + byMs : value));
  return byMs === 0 ? frames : frames.map((frame) => ({ ...frame, fields: frame.fields.map((field) => (field.type === "time" ? { ...field, values: move(field.values) } : field)) }));
}

/** What will be asked. A query that is both instant and range is two. */
export function requestsOf(panel: Panel, scope: Scope, range: { fromMs: number; toMs: number }, widthPx: number): Request[] {
  const points = Math.max(10, Math.floor(panel.maxDataPoints ?? widthPx));
  const rangeMs = range.toMs - range.fromMs;
  const values = lookupIn(scope, panel);
  const filters = adHocFilters(scope);
  return panel.targets.flatMap((target): Request[] => {
    if (target.hide || target.undrawable !== undefined || target.expr.trim() === "") return [];
    const interval = target.interval.includes("__rate_interval") ? target.interval : interpolate(target.interval, values);
    const minInterval = interpolate(panel.minInterval, values);
    const { stepMs, macros } = stepsOf({ rangeMs, points, panel: { minInterval }, target: { interval, intervalFactor: target.intervalFactor }, scrapeIntervalMs: scope.scrapeIntervalMs });
    const lookup = lookupIn(scope, panel, macros);
    const holes: Hole[] = [];
    const filled = fillExpression(target.expr, lookup, holes);
    const expr = addMatchers(filled, filters);
    const known = expr === filled ? { holes } : {};
    const legendFormat = interpolate(target.legendFormat, lookup, "glob");
    const made = { ...target, legendFormat };
    const requests: Request[] = [];
    if (target.range) {
      const offset = offsetMs(range.toMs, scope.timezone);
      const floor = (ms: number) => Math.floor((ms + offset) / stepMs) * stepMs - offset;
      requests.push({ target: made, expr, ...known, macros, stepMs, instant: false, fromMs: floor(range.fromMs), toMs: floor(range.toMs) });
    }
    if (target.instant) requests.push({ target: made, expr, ...known, macros, stepMs, instant: true, ...range });
    return requests;
  });
}

/** Filters that a person added for all queries. */
function adHocFilters(scope: Scope): Matcher[] {
  return Object.values(scope.variables).flatMap(({ variable }) =>
    variable.type !== "adhoc" ? [] : variable.filters.flatMap(({ key, operator, value }) => (/^(=|!=|=~|!~)$/.test(operator) ? [{ label: key, operator: operator as "=", value }] : [])),
  );
}

/** Only charts over time have a place for them; a shifted one shows another time than they have. */
const withExemplars = (panel: Panel, requests: Request[]): Request[] => (panel.type === "timeseries" && !panel.timeShift ? requests.filter((one) => one.target.exemplar && !one.instant) : []);

function askOne(request: Request, ask: Ask, abort?: AbortSignal) {
  const { expr: query, fromMs, toMs, stepMs, instant } = request;
  if (instant) return ask("query", { query, time: toMs / 1000 }, abort);
  return ask("query_range", { query, start: fromMs / 1000, end: toMs / 1000, step: stepMs / 1000 }, abort);
}
