/** show: relabelling in words. Pure. In: the steps that the server gives. Out: what each step looks at, does and changes. */
import type { Labels, RelabelStep } from "../shapes";

export interface Change {
  name: string;
  kind: "added" | "changed" | "removed";
  before?: string;
  after?: string;
}

/** What a step did to the labels, by name. */
export function changes(before: Labels, after: Labels): Change[] {
  const out: Change[] = [];
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const [was, is] = [before[name], after[name]];
    if (was === is) continue;
    if (was === undefined) out.push({ name, kind: "added", after: is });
    else if (is === undefined) out.push({ name, kind: "removed", before: was });
    else out.push({ name, kind: "changed", before: was, after: is });
  }
  return out;
}

/** `keep where env matches prod`. */
export function inWords(rule: RelabelStep["rule"]): string {
  const from = rule.source_labels?.length ? rule.source_labels.join(rule.separator ?? ";") : "nothing";
  const regex = rule.regex ?? "(.*)";
  const target = rule.target_label ?? "";
  switch (rule.action ?? "replace") {
    case "keep":
      return `keep where ${from} matches ${regex}`;
    case "drop":
      return `drop where ${from} matches ${regex}`;
    case "keepequal":
      return `keep where ${from} equals ${target}`;
    case "dropequal":
      return `drop where ${from} equals ${target}`;
    case "hashmod":
      return `${target} is the hash of ${from} modulo ${rule.modulus ?? "?"}`;
    case "labelmap":
      return `copy labels whose name matches ${regex} to ${rule.replacement ?? "$1"}`;
    case "labeldrop":
      return `drop labels whose name matches ${regex}`;
    case "labelkeep":
      return `keep only labels whose name matches ${regex}`;
    case "lowercase":
    case "uppercase":
      return `${target} is ${from} in ${rule.action} letters`;
    default:
      return `where ${from} matches ${regex}, ${target} is ${rule.replacement ?? "$1"}`;
  }
}
