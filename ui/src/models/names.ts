/** show: names of figures as people write them. Pure. */
const NAMES: Record<string, string> = {
  r2: "R²", rmse: "RMSE", mae: "MAE", mape: "MAPE", accuracy: "Accuracy", balanced_accuracy: "Balanced accuracy", precision: "Precision", recall: "Recall", f1: "F1",
  roc_auc: "ROC AUC", log_loss: "Log loss", brier: "Brier score", drift_share: "Drifted features", drift_detected: "Drift", mean_error: "Mean error", median_absolute_error: "Median error",
};

export function metricName(metric: string): string {
  return NAMES[metric] ?? metric.replaceAll("_", " ");
}
