/** show: names of figures as people write them, and what became of a challenger. Pure. */
import { cut, visible } from "../parts/text";
import type { LastChallenger } from "../shapes";

const NAMES: Record<string, string> = {
  r2: "R²", rmse: "RMSE", mae: "MAE", mape: "MAPE", accuracy: "Accuracy", balanced_accuracy: "Balanced accuracy", precision: "Precision", recall: "Recall", f1: "F1",
  roc_auc: "ROC AUC", log_loss: "Log loss", brier: "Brier score", drift_share: "Drifted features", drift_detected: "Drift", mean_error: "Mean error", median_absolute_error: "Median error",
};

export function metricName(metric: string): string {
  return NAMES[metric] ?? metric.replaceAll("_", " ");
}

const BECAME: Record<string, string> = { deploy: "deployed", skip: "not taken", reject: "rejected" };

/** `challenger v4 rejected`: what became of one that was compared with the champion. */
export function becameOf({ outcome, version }: LastChallenger): string {
  const name = version === null ? "" : ` ${/^\d/.test(version) ? "v" : ""}${cut(version, 40)}`;
  return visible(`challenger${name} ${BECAME[outcome] ?? outcome}`);
}
