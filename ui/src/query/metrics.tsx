/** show: find a metric by a piece of its name or what it means. In: names and metadata of the store. Out: the name that was picked. */
import { useState } from "preact/hooks";

import { prom, useAsked } from "../api";
import { ErrorLine, Loading } from "../parts/basics";
import { Dialog } from "../parts/controls";
import { cut, oneLine } from "../parts/text";

const SHOWN_MAX = 200;

export function Metrics({ onPick, onClose }: { onPick: (name: string) => void; onClose: () => void }) {
  const [text, setText] = useState("");
  const names = useAsked((abort) => prom<string[]>("label/__name__/values", {}, abort), "names");
  const meta = useAsked((abort) => prom<Record<string, { type: string; help: string }[]>>("metadata", {}, abort), "metadata");
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const helpOf = (name: string) => meta.data?.[name]?.[0] ?? meta.data?.[name.replace(/_(bucket|sum|count|total)$/, "")]?.[0];
  const found = (names.data ?? []).filter((name) => {
    const hay = `${name} ${helpOf(name)?.help ?? ""}`.toLowerCase();
    return words.every((word) => hay.includes(word));
  });
  return (
    <Dialog title="Metrics" onClose={onClose}>
      <input type="search" class="wide-input" aria-label="find a metric" placeholder="a piece of the name or of what it means" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <ErrorLine error={names.error} />
      {!names.data && !names.error && <Loading />}
      <ul class="metrics" aria-label="Metrics">
        {found.slice(0, SHOWN_MAX).map((name) => (
          <li key={name}>
            <button type="button" class="plain" onClick={() => { onPick(name); onClose(); }}>
              <code>{oneLine(cut(name, 200))}</code> <small>{helpOf(name)?.type}</small>
              <small class="metrics-help">{oneLine(cut(helpOf(name)?.help ?? "", 160))}</small>
            </button>
          </li>
        ))}
      </ul>
      {names.data && <p class="quiet">{found.length > SHOWN_MAX ? `${SHOWN_MAX} of ${found.length} shown` : `${found.length} found`}</p>}
    </Dialog>
  );
}
