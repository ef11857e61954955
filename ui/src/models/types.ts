/** show: what the server says about models. Shapes only; docs/guides/models.md, docs/guides/decisions.md and docs/formats/pages-api.md have the words. */

import type { Figure as Amount } from "../parts/basics";
import type { Because, LastChallenger, NotKnown } from "../shapes";

export interface Figure {
  metric: string;
  value?: number;
  unknown?: Because;
  rows?: number;
  source: string;
  estimated: boolean;
  low?: number;
  high?: number;
  level?: number;
}

export interface FeatureDrift {
  name: string;
  kind: string;
  test: string | null;
  score: number | null;
  threshold: number | null;
  drifted: boolean | null;
  p_value: number | null;
  effect: number | null;
  distance: number | null;
  reference_rows: number;
  current_rows: number;
  error: string | null;
}

export interface Drift {
  share: number;
  detected: boolean;
  drifted_features: number;
  judged_features: number;
  reference_rows: number;
  rows: number;
  approximate: boolean;
  features: FeatureDrift[];
  prediction: FeatureDrift | null;
}

export interface Finding {
  defect: string;
  feature?: string;
  column?: string;
  text: string;
}

export interface WindowJudgement {
  window: string;
  role: string;
  rows: number;
  true_values: number;
  from: string | null;
  to: string | null;
  drift: Drift | NotKnown;
  quality: Finding[] | NotKnown;
  performance: { rows: number; left_out: number; figures: Figure[] } | NotKnown;
  estimates?: { figures: Figure[] } | NotKnown;
}

export interface Input {
  value?: number;
  rows?: number;
  unknown?: Because;
}

export interface Decision {
  at: string;
  outcome: string;
  severity: string;
  rule: string | null;
  reason: string;
  because: string;
  inputs: Record<string, Input>;
}

export interface Version {
  version: string | number;
  runId: string | null;
  changedAt: string | null;
  metrics: Record<string, number>;
}

export interface Registry {
  server: string;
  url?: string | null;
  up: boolean;
  at: string;
  model: string;
  latestVersion: number | string | null;
  champion: Version | null;
  challenger: Version | null;
  aliases: Record<string, Version | string | number>;
}

export interface Model {
  name: string;
  kind: string;
  target: string;
  features: string[];
  windows: string[];
  rows: Record<string, number>;
  judgedAt: string | null;
  decision: string | null;
  lastChallenger?: LastChallenger | null;
  judgement: { at: string; decision: Decision; windows: WindowJudgement[] } | null;
  sources: Record<string, unknown>[];
  registry?: Registry | NotKnown;
  traffic?: { rate: Amount; lastReceivedAt: string | null; latencyP95: Amount };
}

/** A number, or a word and a sentence why there is none. */
export type Known = number | { unknown: string; because: string } | null | undefined;

export interface Comparison {
  metric: string;
  champion: Known;
  challenger: Known;
  gain: Known;
  gain_low?: number;
  gain_high?: number;
  level?: number;
  rows?: number;
  gain_interval_unknown?: string;
}

/** An entry of the audit record. */
export interface Entry {
  at: string;
  event: string;
  outcome?: string;
  severity?: string;
  rule?: string | null;
  reason?: string;
  because?: string;
  inputs?: Record<string, Input>;
  decision?: string;
  version?: string | null;
  current?: Comparison;
  baseline?: Comparison;
  figures?: Record<string, number>;
  drift_share?: number;
  drifted_features?: number;
  error?: string;
}

export interface Side {
  rows: number;
  missing: number;
  infinite: number;
  p05?: number | null;
  median?: number | null;
  p95?: number | null;
  values?: number;
}

export interface Numbers {
  kind: "numbers";
  edges: number[];
  reference: number[] | null;
  current: number[] | null;
  reference_beyond: number;
  current_beyond: number;
}

export interface Categories {
  kind: "categories";
  bars: { name: string; reference: number; current: number }[];
  others: number;
  others_reference: number;
  others_current: number;
  has_reference: boolean;
  has_current: boolean;
}

export interface ReportFeature {
  name: string;
  verdict: string;
  type: string;
  test: string | null;
  score: number | null;
  threshold: number | null;
  moved: number | null;
  error: string | null;
  reference: Side | null;
  current: Side | null;
  distribution?: Numbers | Categories | null;
}

export interface Report {
  title: string;
  at: string | null;
  drift: { features: ReportFeature[]; judged_by: string; drift_share: number; dataset_drift: boolean; drifted_columns: number; judged_columns: number } | null;
  performance: { name: string; figures: Figure[]; lines: { metric: string; points: (Figure & { from: string; to: string })[] }[] }[];
  marks: { at: string; what: string; text: string }[];
  notes: string[];
}

export function isUnknown(of: object): of is NotKnown {
  return "unknown" in of;
}
