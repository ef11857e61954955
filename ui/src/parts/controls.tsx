/**
 * show: what people act with: tabs, a filter, a button that asks first, a button that works for a while, a dialog.
 *
 * What they chose is in the address. Works by keyboard: dialogs are the browser's own (focus stays inside, Escape closes).
 */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { place, setQuery } from "../router";
import { count } from "./number";

export interface TabItem {
  id: string;
  title: string;
  count?: number;
}

/** The tab that the address names, else the first. */
export function useTab(tabs: TabItem[], name = "tab"): string {
  const chosen = place.value.query.get(name);
  return tabs.find((tab) => tab.id === chosen)?.id ?? tabs[0]?.id ?? "";
}

/** Links that change one word of the address. */
export function Tabs({ tabs, name = "tab", label, clears = [] }: { tabs: TabItem[]; name?: string; label: string; clears?: string[] }) {
  const here = useTab(tabs, name);
  const address = (id: string) => {
    const query = new URLSearchParams(place.value.query);
    for (const other of clears) query.delete(other);
    if (id === tabs[0]?.id) query.delete(name);
    else query.set(name, id);
    const text = query.toString();
    return location.pathname + (text ? `?${text}` : "");
  };
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.id} href={address(tab.id)} aria-current={tab.id === here ? "true" : undefined}>
          {tab.title}
          {tab.count !== undefined && <span class="tab-count">{count(tab.count)}</span>}
        </a>
      ))}
    </nav>
  );
}

/** A text in the address (`?q=`). */
export function Filter({ name = "q", placeholder = "Filter", label = placeholder }: { name?: string; placeholder?: string; label?: string }) {
  return (
    <input
      type="search"
      class="filter"
      aria-label={label}
      placeholder={placeholder}
      value={place.value.query.get(name) ?? ""}
      onInput={(event) => setQuery({ [name]: event.currentTarget.value })}
    />
  );
}

/** Whether a row has all words of the filter somewhere in its texts. */
export function filtered<Row>(rows: readonly Row[], text: (row: Row) => string, name = "q"): readonly Row[] {
  const words = (place.value.query.get(name) ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0 ? rows : rows.filter((row) => {
    const hay = text(row).toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

/** The browser's own modal dialog. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={heading} onCancel={onClose} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <div class="dialog">
        <h2 id={heading}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

/** Asks before it acts. */
export function Confirm({ label, question, yes = label, act, small = true }: { label: string; question: ComponentChildren; yes?: string; act: () => Promise<unknown> | void; small?: boolean }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button type="button" class={small ? "small" : undefined} onClick={() => setAsking(true)}>
        {label}
      </button>
      {asking && (
        <Dialog title={label} onClose={() => setAsking(false)}>
          <p>{question}</p>
          <p class="bar">
            <Doing label={yes} main act={async () => { await act(); setAsking(false); }} />
            <button type="button" onClick={() => setAsking(false)}>
              Cancel
            </button>
          </p>
        </Dialog>
      )}
    </>
  );
}

/** A button that says what became of its act, beside itself. `act` gives the words, or throws. */
export function Doing({ label, act, main = false, small = false, disabled = false }: { label: string; act: () => Promise<string | void>; main?: boolean; small?: boolean; disabled?: boolean }) {
  const [state, setState] = useState<{ busy?: boolean; said?: string; bad?: boolean }>({});
  const gone = useRef(false);
  useEffect(() => () => void (gone.current = true), []);
  const click = async () => {
    setState({ busy: true });
    try {
      const said = await act();
      if (!gone.current) setState({ said: said ?? "" });
    } catch (error) {
      if (!gone.current) setState({ said: error instanceof Error ? error.message : String(error), bad: true });
    }
  };
  return (
    <>
      <button type="button" class={`${main ? "main" : ""} ${small ? "small" : ""}`} disabled={disabled || state.busy} onClick={click}>
        {state.busy ? "…" : label}
      </button>
      <span role="status" class={state.bad ? "bad said" : "quiet said"}>
        {state.said}
      </span>
    </>
  );
}
