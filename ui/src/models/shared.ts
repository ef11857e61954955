/** show: words and choices that the pages of models share. Pure. */
import { reachOf } from "../query/grid";
import type { Because } from "../shapes";
import type { Decision, Entry, Figure, Model, WindowJudgement } from "./types";
import { isUnknown } from "./types";

export { metricName } from "./names";

/** Metrics of which less is better; of the others that we know, more is. */
const LESS = ["rmse", "mae", "mape", "mse", "log_loss", "brier", "max_error", "median_absolute_error", "absolute_error_p90", "absolute_error_p95", "absolute_error_p99", "expected_calibration_error"];

export function lessIsBetter(metric: string): boolean {
  return LESS.includes(metric);
}

const HEADLINES = ["r2", "balanced_accuracy", "roc_auc", "accuracy", "f1", "rmse", "mae"];

/** The figure that stands for a model: what its decision looked at first, else the usual one. */
export function headline(figures: Figure[], decision?: Decision): Figure | undefined {
  const asked = Object.keys(decision?.inputs ?? {});
  const real = figures.filter((figure) => !figure.estimated);
  for (const metric of [...asked, ...HEADLINES]) {
    const found = real.find((figure) => figure.metric === metric);
    if (found) return found;
  }
  return real[0];
}

export function championOf(model: Model): WindowJudgement | undefined {
  const windows = model.judgement?.windows ?? [];
  const first = model.windows[0];
  return windows.find((one) => one.window === first && one.role === "champion") ?? windows.find((one) => one.window === first) ?? windows[0];
}

export function figuresOf(window: WindowJudgement | undefined): { figures: Figure[]; unknown?: Because } {
  if (!window) return { figures: [], unknown: { reason: "not_judged", because: "it was not judged yet" } };
  if (isUnknown(window.performance)) return { figures: [], unknown: window.performance.unknown };
  return { figures: window.performance.figures };
}

/** Comparisons of a challenger with the champion, newest first. */
export function comparisons(entries: Entry[]): Entry[] {
  return entries.filter((entry) => entry.current !== undefined && entry.current !== null && entry.current.metric !== undefined);
}

export interface Mark {
  at: number;
  text: string;
  colour: string;
}

/** What happened to the model, for its charts: deployments and what spoke against one. Decisions only where they changed. */
export function marksOf(entries: Entry[]): Mark[] {
  const out: Mark[] = [];
  for (const entry of [...entries].reverse()) {
    const at = Date.parse(entry.at) / 1000;
    if (Number.isNaN(at)) continue;
    const outcome = entry.decision ?? entry.outcome ?? "";
    if (["training_success", "deployment", "evaluation"].includes(entry.event) && outcome !== "") {
      out.push({ at, text: outcome === "deploy" ? "deployed" : outcome, colour: outcome === "deploy" ? "--good" : outcome === "reject" ? "--warn" : "--quiet" });
    } else if (entry.event === "training_failure") out.push({ at, text: "training failed", colour: "--bad" });
    else if (entry.event === "champion_promotion" || entry.event === "champion-promotion") out.push({ at, text: "promoted", colour: "--good" });
  }
  return out;
}

/** `name{...}` of all figures of a model in the store, whatever prefix its series have. */
export function figureSelector(model: string, metric: string, window: string): string {
  const quoted = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  return `{__name__=~"(.+_)?model_figure(_low|_high)?",model=${quoted(model)},metric=${quoted(metric)},window=${quoted(window)},source="realised"}`;
}

export function toneOfOutcome(outcome: string): "good" | "warn" | "bad" | "" {
  if (outcome === "retrain" || outcome === "reject" || outcome === "failure") return "bad";
  if (outcome === "watch" || outcome === "skip") return "warn";
  if (outcome === "nothing" || outcome === "deploy" || outcome === "success") return "good";
  return "";
}

/** What an outcome asks of people, for who sees the word for the first time. */
export const OUTCOMES: Record<string, string> = {
  retrain: "train a new model now",
  watch: "keep an eye on it",
  nothing: "all is well",
  unknown: "it cannot be judged",
  deploy: "the challenger takes over",
  skip: "the challenger is not surely better",
  reject: "the challenger is worse",
};

/** When a figure was first there: the answer of an instant query. */
export interface Since {
  result: { value?: [number, string] }[];
}

/** How far back a chart goes that begins with its figure. The minutes asked for have none yet of a figure that came within the last of them. */
export function shownSeconds({ result }: Since, now: number): number {
  const first = Number(result[0]?.value?.[1] ?? now);
  return reachOf(now - first, 604_800);
}
