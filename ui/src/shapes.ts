/** show: what the server says about itself, for the pages of this folder that are no alerts or dashboards. Shapes only; docs/formats/pages-api.md has the words. */
import type { Figure, SnippetText } from "./parts/basics";

export type Labels = Record<string, string>;
/** Why there is no value: a word for programs, a sentence for people. */
export interface Because {
  reason: string;
  because: string;
}

export interface NotKnown {
  unknown: Because;
}

export interface Overview {
  at: string;
  startedAt: string;
  version: string;
  prometheusVersion: string;
  externalUrl: string;
  folder: string;
  configuration: { ok: boolean; loadedAt: string | null; problems: string[] };
  targets: { up: number; down: number; unknown: number; dropped: number; jobs: number };
  rules: { alerting: number; recording: number; ok: number; failing: number; unknown: number; lastEvaluation: string | null; failures: { name: string; group: string; file: string; error: string }[] };
  alerts: { firing: number; pending: number; silenced: number; inhibited: number; bySeverity: Record<string, number> };
  ingestion: { samplesPerSecond: Figure; series: number; samples: number; refused: number; bytes: { wal: number; chunks: number }; oldest: string | null; newest: string | null; retentionSeconds: number };
  notifications: { pending: number; delivered: number; failed: number; replaced: number };
  models: ModelRow[];
  servers: ServerRow[];
  checklist: ChecklistItem[];
}

export interface ModelRow {
  name: string;
  kind: "regression" | "classification";
  judgedAt: string | null;
  window: string | null;
  rate: Figure;
  latencyP95: Figure;
  drift: { detected: boolean; share: number; driftedFeatures: number; judgedFeatures: number; threshold: number; unknown?: undefined } | NotKnown;
  performance: { metric: string; value: number; rows: number; low: number | null; high: number | null; unknown?: undefined } | NotKnown;
  champion: RoleFigure;
  /** Those that predict beside the champion now. */
  challengers: RoleFigure[];
  lastChallenger: LastChallenger | null;
  newestRowAt: string | null;
  dataAge: Figure;
  decision: { at: string; outcome: string; severity: string; rule: string; reason: string; because: string; unknown?: undefined } | NotKnown;
}

/** What became of the newest challenger that was compared with the champion. */
export interface LastChallenger {
  at: string;
  outcome: string;
  version: string | null;
}

export interface RoleFigure {
  role: string;
  version: string | null;
  figure: Figure;
}

export interface ServerRow {
  kind: string;
  job: string;
  instance: string;
  url: string | null;
  up: boolean | null;
  problems: string[];
  at: string | null;
}

export interface ChecklistItem {
  kind: string;
  state: "bad" | "waiting" | "note";
  reason: string;
  job: string | null;
  name: string | null;
  url: string | null;
  targets: number;
  text: string;
  todo: string;
  snippet: SnippetText | null;
}

export interface Target {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: "up" | "down" | "unknown";
  scrapeInterval: string;
  scrapeTimeout: string;
  samples?: number;
  samplesAfterRelabelling?: number;
  samplesDropped?: number;
  seriesAdded?: number;
  samplesRefused?: Record<string, number>;
  warning?: string;
  limits?: Record<string, number>;
}

export interface DroppedTarget {
  discoveredLabels: Labels;
  scrapePool?: string;
  reason?: string;
}

export interface Targets {
  activeTargets: Target[];
  droppedTargets: DroppedTarget[];
  droppedTargetCounts: Record<string, number>;
}

export interface RelabelStep {
  rule: { source_labels?: string[]; separator?: string; regex?: string; modulus?: number; target_label?: string; replacement?: string; action?: string };
  output: Labels;
  keep: boolean;
}

export interface Attempt {
  number: number;
  at: string;
  tookSeconds: number | null;
  outcome: string;
  answer: string;
}

export interface Notice {
  id: number | string;
  key: string;
  receiver: string;
  integration: string;
  index: number;
  groupKey: string;
  groupLabels: Labels;
  reason: string;
  state: "firing" | "resolved";
  status: "pending" | "delivered" | "failed" | "replaced";
  attempts: number;
  answer: string;
  createdAt: string;
  settledAt: string | null;
  nextAttemptAt: string | null;
  attemptLog?: Attempt[];
  remoteId: string | null;
  alertCount: number;
  alerts: { status: string; labels: Labels; annotations: Labels; startsAt: string; endsAt: string | null; generatorURL: string }[];
}

export interface Receiver {
  name: string;
  grafana: boolean;
  used: boolean;
  fallback: boolean;
  integrations: Integration[];
}

export interface Integration {
  kind: string;
  index: number;
  sendResolved: boolean;
  address: string | null;
  waiting: number;
  closedUntil: string | null;
  lastDelivered: string | null;
  lastFailed: string | null;
  last: { id: number | string; at: string; status: string; attempts: number; answer: string } | null;
}

export interface TestResult {
  receiver: string;
  delivered: boolean;
  results: { integration: string; state: string; delivered: boolean; answer: string; tookSeconds: number }[];
}

export interface Configuration {
  ok: boolean;
  loadedAt: string | null;
  hash: string;
  files: ConfigFile[];
}

export interface ConfigFile {
  file: string;
  role: string;
  bytes: number;
  text: string | null;
  because: string | null;
  problems: { severity: string; line: number | null; column: number | null; message: string; help: string | null }[];
}

export interface Finding {
  code: string;
  severity: "error" | "warning" | "info";
  file: string;
  line: number | null;
  column: number | null;
  message: string;
  why: string;
  fix: string | null;
  fixable: boolean;
}

export interface NamedValue {
  name: string;
  value: number;
}

export interface Cardinality {
  headStats: { numSeries: number; numLabelPairs?: number; chunkCount: number; minTime: number; maxTime: number };
  seriesCountByMetricName: NamedValue[];
  labelValueCountByLabelName: NamedValue[];
  memoryInBytesByLabelName: NamedValue[];
  seriesCountByLabelValuePair: NamedValue[];
}

export interface InboxMessage {
  id: number;
  at: string;
  path: string;
  message: unknown;
  /** `api/bellbuoy/inbox/ID/picture` is there. */
  picture?: boolean;
}
