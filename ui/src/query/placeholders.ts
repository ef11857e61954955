/**
 * show: completion of `$name`, `${name}` and of lengths of time between `[` and `]` in a query of a dashboard. In: what is offered, where the cursor is. Out: a list for CodeMirror. Part of the
 * editor's chunk.
 */
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";

import type { Offered } from "../dashboard/offered";

export function offeredAt(offered: () => Offered[]): (context: CompletionContext) => CompletionResult | null {
  return (context) => {
    const name = context.matchBefore(/\$\{?\w*/);
    const range = name ? null : context.matchBefore(/\[/);
    if (!name && !range) return null;
    const all = offered();
    if (all.length === 0) return null;
    if (range) return { from: range.to, options: all.filter((one) => one.duration).map((one) => option(one, `$${one.name}`)), validFor: /^\$?\w*$/ };
    const braced = name!.text.startsWith("${");
    // The closing brace that the editor put behind an opening one is replaced, not doubled.
    const to = context.pos + (braced && context.state.sliceDoc(context.pos, context.pos + 1) === "}" ? 1 : 0);
    return { from: name!.from, to, options: all.map((one) => option(one, braced ? `\${${one.name}}` : `$${one.name}`)) };
  };
}

/** Above names of metrics: whoever writes a `$` means these. */
const option = ({ now, about }: Offered, label: string): Completion => ({ label, type: "variable", boost: 50, ...(now ? { detail: `= ${now}` } : {}), ...(about ? { info: about } : {}) });
