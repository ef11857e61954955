/** show: what stands in the place of a drawing: why there is no data, why a panel cannot be drawn, and the panel's own JSON. */
import { useState } from "preact/hooks";

import type { Panel, PanelData } from "../dashboard/model";

export function Empty({ data, reason }: { data: PanelData; reason?: string }) {
  return (
    <div class="panel-empty" role="note">
      <b>No data</b>
      <span>{reason ?? data.emptyReason ?? "The queries found nothing in this range."}</span>
    </div>
  );
}

export default function Placeholder({ panel, reason }: { panel: Panel; reason: string }) {
  const [open, setOpen] = useState(false);
  return (
    <div class="panel-empty undrawable" role="note">
      <b>Not drawn: {panel.originalType || panel.type}</b>
      <span>{reason}</span>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "Hide its JSON" : "Show its JSON"}
      </button>
      {open && <pre tabIndex={0}>{JSON.stringify(panel, null, 2).slice(0, 50_000)}</pre>}
    </div>
  );
}
