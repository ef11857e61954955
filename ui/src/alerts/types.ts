/** show: what the server says about rules, alerts and silences. Shapes only (what is common to all pages: shapes.ts); docs/formats/pages-api.md and explain.md have the words. */

import type { Labels, Notice } from "../shapes";

export interface RuleAlert {
  labels: Labels;
  annotations: Labels;
  state: "pending" | "firing";
  activeAt: string;
  value: string;
}

export interface Rule {
  type: "alerting" | "recording";
  name: string;
  query: string;
  health: string;
  lastError?: string;
  evaluationTime: number;
  lastEvaluation: string;
  labels: Labels;
  state?: "inactive" | "pending" | "firing";
  /** `for`, in seconds. */
  duration?: number;
  keepFiringFor?: number;
  annotations?: Labels;
  alerts?: RuleAlert[];
}

export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  rules: Rule[];
}

export interface RoutedAlert {
  labels: Labels;
  annotations: Labels;
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  fingerprint: string;
  generatorURL?: string;
  receivers: { name: string }[];
  status: { state: string; silencedBy: string[]; inhibitedBy: string[]; mutedBy?: string[] };
}

export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface Silence {
  id: string;
  matchers: Matcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
  status: { state: "active" | "pending" | "expired" };
}

export interface Evaluation {
  at: string;
  seconds: number;
  series: number | null;
  value: number | null;
  state: "inactive" | "pending" | "firing" | null;
  pending: number;
  firing: number;
  error: string | null;
}

export interface RuleHistory {
  group: string;
  file: string;
  line: number | null;
  source: string;
  query: string;
  forSeconds: number;
  keepFiringForSeconds: number;
  intervalSeconds: number;
  labels: Labels;
  annotations: Labels;
  runbookUrl: string | null;
  state: "inactive" | "pending" | "firing";
  health: string;
  lastError: string | null;
  lastEvaluation: string | null;
  evaluationSeconds: number;
  alerts: RuleAlert[];
  evaluations: Evaluation[];
}

export interface Episode {
  labels: Labels;
  fingerprint: string;
  state: "pending" | "firing" | "resolved" | "gone";
  pendingAt: string | null;
  firedAt: string | null;
  endedAt: string | null;
  pendingSeconds: number | null;
  firingSeconds: number | null;
  receivers: string[];
  notifications: (string | number)[];
}

/** `GET /api/bellbuoy/alerts/NAME`. */
export interface AlertHistory {
  name: string;
  from: string;
  to: string;
  rules: RuleHistory[];
  episodes: Episode[];
  episodesTruncated: boolean;
  notifications: Notice[];
  because: string | null;
}

export interface ExplainRow {
  labels: Labels;
  value: string | null;
  threshold: string | null;
  op: string | null;
  passes: boolean | null;
  note: string;
  at: string | null;
}

export interface ExplainNear {
  text: string;
  suggestion: string | null;
  labels: Labels | null;
}

export interface ExplainChart {
  from: number;
  to: number;
  stepMs: number;
  series: { labels: Labels; role: "value" | "threshold"; points: [number, number | null][] }[];
  unit: string | null;
}

export interface ExplainStep {
  kind: string;
  title: string;
  state: "passed" | "stopped" | "unknown" | "skipped";
  text: string;
  count: number | null;
  place: [number, number] | null;
  depth: number;
  rows: ExplainRow[];
  rowsOmitted: number;
  nearest: ExplainNear[];
  chart: ExplainChart | null;
}

export interface ExplainInstance {
  labels: Labels;
  annotations: Labels;
  state: "firing" | "pending";
  value: string;
  activeAt: string;
  firesAt: string | null;
  firedAt: string | null;
  receivers: string[];
  silencedBy: { id: string; comment: string; createdBy: string; endsAt: string }[];
  inhibitedBy: Labels[];
  mutedBy: string[];
  deliveries: { at: string; receiver: string; integration: string; status: string; reason: string; answer: string; attempts: number }[];
}

/** `GET /api/bellbuoy/explain`. */
export interface Explanation {
  alert: string | null;
  expr: string;
  at: string;
  rule: { group: string; file: string; line: number | null; for: string; keepFiringFor: string; interval: string; labels: Labels } | null;
  state: string;
  delivered: boolean | null;
  verdict: string;
  stoppedAt: number | null;
  steps: ExplainStep[];
  instances: ExplainInstance[];
  instancesOmitted: number;
  alternatives: { group: string; file: string; line: number | null; labels: Labels; state: string }[];
}
