/**
 * show: panels that older Grafanas wrote become the ones that are drawn. One file a panel type.
 *
 * In: a panel's JSON. Out: JSON of a panel of today, and what could not be taken over. The input is not changed.
 */
import { isObject, object, text, type Json } from "../loose";
import { migrateGraph } from "./graph";
import { isOldHeatmap, migrateHeatmap } from "./heatmap";
import { migrateSinglestat } from "./singlestat";
import { isOldTable, migrateTable } from "./table-old";
import { migratePie, migrateValues } from "./values";

export interface Migrated {
  panel: Json;
  problems: string[];
}

type Migration = (panel: Json, problems: string[]) => Json;

const BY_TYPE: Record<string, Migration> = {
  graph: migrateGraph,
  "graph-old": migrateGraph,
  singlestat: migrateSinglestat,
  "grafana-singlestat-panel": migrateSinglestat,
  "table-old": migrateTable,
  table: (panel, problems) => (isOldTable(panel) ? migrateTable(panel, problems) : panel),
  "grafana-piechart-panel": migratePie,
  stat: migrateValues,
  gauge: migrateValues,
  bargauge: migrateValues,
  piechart: migrateValues,
  heatmap: (panel) => (isOldHeatmap(panel) ? migrateHeatmap(panel) : panel),
  "heatmap-new": (panel) => ({ ...panel, type: "heatmap" }),
  text: migrateText,
};

export function migratePanel(panel: Json): Migrated {
  const problems: string[] = [];
  const type = text(panel.type);
  const migration = Object.hasOwn(BY_TYPE, type) ? BY_TYPE[type] : undefined;
  return { panel: migration ? migration(panel, problems) : panel, problems };
}

/** `mode` and `content` once lay beside `type`. */
function migrateText(panel: Json): Json {
  if (isObject(panel.options) && panel.options.content !== undefined) return panel;
  return { ...panel, options: { ...object(panel.options), mode: text(panel.mode, "markdown"), content: text(panel.content) } };
}
