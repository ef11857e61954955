/**
 * show: the words that dashboards are made of, whatever version of Grafana wrote the file. Types only.
 *
 * load.ts makes a `Dashboard` of the JSON; query.ts makes `PanelData` of a panel and a `Scope`; panels/ draw it. The bytes of the file are
 * never changed by any of it.
 */
import type { Condition } from "./condition";
import type { Exemplar } from "./exemplars";
import type { Hole } from "./expression";

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  /** In the order of the file; panels of collapsed rows are inside their row. */
  panels: Panel[];
  variables: Variable[];
  /** `now-1h`, `now`, or RFC 3339. */
  time: { from: string; to: string };
  /** `30s`; empty: not by itself. */
  refresh: string;
  /** `browser`, `utc`, or a name of the time zone database. */
  timezone: string;
  /** 0: each panel alone, 1: shared crosshair, 2: shared tooltip. */
  graphTooltip: 0 | 1 | 2;
  links: DashboardLink[];
  annotations: AnnotationQuery[];
  /** What could not be read, in words; the rest is drawn all the same. */
  problems: string[];
}

export interface GridPos {
  /** In columns of 24. */
  x: number;
  w: number;
  /** In rows of 30 px and their gaps. */
  y: number;
  h: number;
}

export interface Panel {
  id: number;
  /** After migration: `graph` has become `timeseries`, `singlestat` `stat`, `table-old` `table`. */
  type: string;
  /** What the file says. */
  originalType: string;
  title: string;
  description: string;
  grid: GridPos;
  transparent: boolean;
  targets: Target[];
  options: Record<string, unknown>;
  fieldConfig: FieldConfigSource;
  transformations: Transformation[];
  links: Link[];
  /** `interval` of the panel: its smallest step, `15s` or `>15s`. */
  minInterval: string;
  maxDataPoints?: number;
  /** `6h`: this panel looks at another range than the dashboard. */
  timeFrom?: string;
  timeShift?: string;
  hideTimeOverride: boolean;
  repeat?: { variable: string; direction: "h" | "v"; maxPerRow: number };
  /** Variables' values that a repetition has of its own. */
  scoped?: Record<string, VariableValue>;
  /** Of a `row`. */
  collapsed?: boolean;
  /** This `row` is a tab: what follows, up to the next one, is shown when it is chosen. */
  tab?: true;
  /** Of a row inside of tabs or rows: how many are around it. What repeats, opens or closes takes along what is deeper. */
  depth?: number;
  /** This row shows no line of its own, and its panels always. */
  headless?: true;
  panels?: Panel[];
  /** When it is shown at all; absent: always. */
  condition?: Condition;
  /** Why it cannot be drawn (a plug-in, another kind of data source); then nothing is asked. */
  undrawable?: string;
}

export interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
  instant: boolean;
  range: boolean;
  format: "time_series" | "table" | "heatmap";
  /** Smallest step of this query. */
  interval: string;
  intervalFactor: number;
  hide: boolean;
  exemplar: boolean;
  /** Position in the file's JSON (`["panels", 3, "targets", 0]`), to save an edit back. */
  path: (string | number)[];
  /** Reuse another panel's result (`-- Dashboard --`). */
  panelId?: number;
  undrawable?: string;
}

export interface Transformation {
  id: string;
  options: Record<string, unknown>;
  disabled: boolean;
  /** Only frames that it matches. */
  filter?: Matcher;
  topic?: string;
}

export interface Matcher {
  id: string;
  options?: unknown;
}

export interface FieldConfigSource {
  defaults: FieldConfig;
  overrides: { matcher: Matcher; properties: { id: string; value?: unknown }[] }[];
}

export interface FieldConfig {
  displayName?: string;
  displayNameFromDS?: string;
  unit?: string;
  decimals?: number | null;
  min?: number | null;
  max?: number | null;
  noValue?: string;
  thresholds?: Thresholds;
  mappings?: Mapping[];
  color?: { mode: string; fixedColor?: string; seriesBy?: "last" | "min" | "max" };
  links?: Link[];
  /** Of a time column: the step of the query in milliseconds; where more lies between two points, there is a gap. */
  interval?: number;
  description?: string;
  /** The panel type's own: `lineWidth`, `fillOpacity`, `stacking`, `hideFrom`, `cellOptions`, ... */
  custom: Record<string, unknown>;
}

export interface Thresholds {
  mode: "absolute" | "percentage";
  /** Rising; the first is from minus infinity. */
  steps: { value: number; color: string }[];
}

export type Mapping =
  | { type: "value"; options: Record<string, MappingResult> }
  | { type: "range"; options: { from: number | null; to: number | null; result: MappingResult } }
  | { type: "regex"; options: { pattern: string; result: MappingResult } }
  | { type: "special"; options: { match: string; result: MappingResult } };

export interface MappingResult {
  text?: string;
  color?: string;
  index?: number;
}

export interface Link {
  title: string;
  url: string;
  newTab: boolean;
}

export interface DashboardLink extends Link {
  type: "link" | "dashboards";
  tags: string[];
  asDropdown: boolean;
  includeVars: boolean;
  keepTime: boolean;
  tooltip: string;
}

export interface AnnotationQuery {
  name: string;
  enabled: boolean;
  hidden: boolean;
  color: string;
  expr: string;
  /** `prometheus`: by expression; `bellbuoy`: alerts and deployments. */
  from: "prometheus" | "bellbuoy";
  titleFormat: string;
  textFormat: string;
  step: string;
}

export type VariableValue = { text: string | string[]; value: string | string[] };

export interface Variable {
  name: string;
  label: string;
  type: "query" | "custom" | "datasource" | "interval" | "textbox" | "constant" | "adhoc" | "switch" | "groupby" | "unknown";
  /** 0: shown, 1: without its label, 2: not shown. */
  hide: 0 | 1 | 2;
  description: string;
  /** A query, a list of values, or the text. */
  query: string;
  regex: string;
  multi: boolean;
  includeAll: boolean;
  allValue: string;
  /** 0: never, 1: on load, 2: when the time range changes. */
  refresh: 0 | 1 | 2;
  sort: number;
  auto?: { count: number; minInterval: string };
  current: VariableValue;
  options: { text: string; value: string }[];
  /** Ad hoc filters. */
  filters: { key: string; operator: string; value: string }[];
  problem?: string;
}

/** Everything that a query depends on beside the panel. Times are Unix milliseconds. */
export interface Scope {
  fromMs: number;
  toMs: number;
  /** As chosen: `now-1h`. */
  raw: { from: string; to: string };
  timezone: string;
  variables: Record<string, { variable: Variable; current: VariableValue }>;
  /** How often the source is scraped; Grafana's `timeInterval`. */
  scrapeIntervalMs: number;
  /** For panels that look at a range of their own. */
  nowMs: number;
  dashboard?: { uid: string; title: string };
}

export type FieldType = "time" | "number" | "string" | "boolean" | "other";

/** A column. `null` is no value; times are Unix milliseconds. */
export interface Field {
  name: string;
  type: FieldType;
  values: unknown[];
  labels?: Record<string, string>;
  /** Before `applyFieldConfig` only what the source said; after it defaults, overrides and all. */
  config: FieldConfig;
  /** As legends and headings call it; set by `applyFieldConfig`. */
  displayName?: string;
  /** Position among the fields that draw, for palettes; set by `applyFieldConfig`. */
  seriesIndex?: number;
  /** What 0 and 1 of `percent` are: min and max of the config, else of the panel's data. */
  range?: { min: number; max: number };
}

export interface Frame {
  name?: string;
  refId?: string;
  fields: Field[];
  length: number;
  /** `heatmap-cells`, `timeseries-many`, `table`, ... */
  kind?: string;
}

export interface PanelData {
  state: "loading" | "done" | "error";
  /** After transformations and field config. */
  frames: Frame[];
  fromMs: number;
  toMs: number;
  stepMs: number;
  error?: string;
  /** Position of the error in the expression, when the server said it. */
  errorRefId?: string;
  warnings: string[];
  /** Why there is nothing to draw, in words: each query and what it found. */
  emptyReason?: string;
  /** What was really sent, for the panel's menu; `written` with its variables, `holes` where their values were put in. */
  sent: { refId: string; expr: string; written: string; holes?: Hole[]; macros: Record<string, string>; stepMs: number; instant: boolean }[];
  annotations: Annotation[];
  /** Of the queries that want them, in the order of time. */
  exemplars?: Exemplar[];
}

export interface Annotation {
  fromMs: number;
  toMs?: number;
  title: string;
  text: string;
  color: string;
  tags: string[];
}

/** A value as people read it. */
export interface DisplayValue {
  text: string;
  prefix?: string;
  suffix?: string;
  /** A CSS colour. */
  color?: string;
  numeric: number;
  /** Between min and max, 0 to 1. */
  percent?: number;
  title?: string;
}

export type Display = (value: unknown) => DisplayValue;

export type Theme = "light" | "dark";

/** One request of Prometheus' API (`query_range`, `label/job/values`, ...); `data` of the answer, and what the server remarked. */
export type Ask = (path: string, params: Record<string, string | number | readonly string[] | undefined>, abort?: AbortSignal) => Promise<Answer>;

export interface Answer {
  data: unknown;
  warnings?: string[];
  infos?: string[];
}
