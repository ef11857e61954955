/**
 * show: panels that older Grafanas wrote become the ones that are drawn. One file a panel type.
 *
 * In: a panel's JSON. Out: JSON of a panel of today, and what could not be taken over. The input is not changed.
 */
import { text, type Json } from "../loose";

export interface Migrated {
  panel: Json;
  problems: string[];
}

type Migration = (panel: Json, problems: string[]) => Json;

const BY_TYPE: Record<string, Migration> = {};

export function migratePanel(panel: Json): Migrated {
  const problems: string[] = [];
  const type = text(panel.type);
  const migration = Object.hasOwn(BY_TYPE, type) ? BY_TYPE[type] : undefined;
  return { panel: migration ? migration(panel, problems) : panel, problems };
}
