/**
 * show: the old `heatmap` panel's options become today's: buckets or values, colours, axes.
 */
import { flag, isObject, number, object, own, text, type Json } from "../loose";

export const isOldHeatmap = (panel: Json): boolean => !isObject(panel.options) || panel.dataFormat !== undefined || (isObject(panel.color) && panel.heatmap !== undefined);

export function migrateHeatmap(panel: Json): Json {
  const [color, y, x] = [object(panel.color), object(panel.yAxis), object(panel.xAxis)];
  const buckets = text(panel.dataFormat, "timeseries") === "tsbuckets";
  const yLog = number(y.logBase) ?? 1;
  const options: Json = {
    calculate: !buckets,
    calculation: {
      xBuckets: text(panel.xBucketSize) === "" ? { mode: "count", value: number(panel.xBucketNumber) } : { mode: "size", value: text(panel.xBucketSize) },
      yBuckets: number(panel.yBucketSize) === undefined ? { mode: "count", value: number(panel.yBucketNumber), scale: yLog > 1 ? { type: "log", log: yLog } : undefined } : { mode: "size", value: text(panel.yBucketSize) },
    },
    color: {
      mode: color.mode === "opacity" ? "opacity" : "scheme",
      scheme: text(color.colorScheme, "interpolateOranges").replace(/^interpolate/, ""),
      fill: text(color.cardColor, "dark-orange"),
      scale: text(color.colorScale) === "linear" ? "linear" : "exponential",
      exponent: number(color.exponent) ?? 0.5,
      steps: 64,
      reverse: false,
      min: number(color.min),
      max: number(color.max),
    },
    cellGap: number(object(panel.cards).cardPadding) ?? 1,
    cellRadius: number(object(panel.cards).cardRound) ?? 0,
    cellValues: {},
    filterValues: { le: flag(panel.hideZeroBuckets) ? 1e-9 : undefined },
    yAxis: { axisPlacement: y.show === false ? "hidden" : "left", unit: text(y.format) || undefined, decimals: number(y.decimals), min: number(y.min), max: number(y.max), reverse: flag(panel.reverseYBuckets) },
    rowsFrame: { layout: own({ lower: "ge", upper: "le", middle: "unknown" }, text(panel.yBucketBound)) ?? "auto" },
    showValue: "never",
    legend: { show: flag(object(panel.legend).show) },
    tooltip: { mode: flag(object(panel.tooltip).show, true) ? "single" : "none", yHistogram: flag(object(panel.tooltip).showHistogram) },
    xAxis: x,
  };
  return { ...panel, options, fieldConfig: { defaults: { custom: {} }, overrides: [] } };
}
