/**
 * show: labels as chips. In: labels that others chose, of any length and script. Out: text, isolated from the direction of writing around
 * it, cut, with a way to see all.
 */
import { useState } from "preact/hooks";

import { Copy } from "./basics";
import { cut, oneLine, visible } from "./text";

const VALUE_MAX = 80;
const SHOWN_MAX = 12;

/** `omit` leaves out what the page shows elsewhere. `onPick` makes chips buttons, to filter by one. */
export function Labels({ of, omit = [], max = SHOWN_MAX, onPick }: { of: Record<string, string>; omit?: readonly string[]; max?: number; onPick?: (name: string, value: string) => void }) {
  const [all, setAll] = useState(false);
  const pairs = Object.entries(of).filter(([name]) => !omit.includes(name));
  const shown = all ? pairs : pairs.slice(0, max);
  if (pairs.length === 0) return null;
  return (
    <span class="labels">
      {shown.map(([name, value]) => (
        <Label key={name} name={name} value={value} onPick={onPick} />
      ))}
      {pairs.length > max && (
        <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "fewer" : `${pairs.length - max} more`}
        </button>
      )}
    </span>
  );
}

export function Label({ name, value, onPick }: { name: string; value: string; onPick?: (name: string, value: string) => void }) {
  const [open, setOpen] = useState(false);
  const long = value.length > VALUE_MAX || name.length > VALUE_MAX;
  const text = (
    <>
      <bdi class="label-name">{oneLine(cut(name, VALUE_MAX))}</bdi>
      <span aria-hidden="true">=</span>
      <bdi>
        {oneLine(cut(value, VALUE_MAX))}
        {value.length > VALUE_MAX ? "…" : ""}
      </bdi>
    </>
  );
  if (open) {
    return (
      <span class="label label-open">
        <bdi class="label-name">{visible(name)}</bdi> <small>{value.length.toLocaleString("en-GB")} characters</small> <Copy text={value} />{" "}
        <button type="button" class="small" onClick={() => setOpen(false)}>
          Close
        </button>
        <pre tabIndex={0} aria-label="the whole value">
          {visible(value)}
        </pre>
      </span>
    );
  }
  if (long) {
    return (
      <button type="button" class="label" aria-expanded={false} title="show the whole value" onClick={() => setOpen(true)}>
        {text}
      </button>
    );
  }
  if (onPick) {
    return (
      <button type="button" class="label" title="filter by it" onClick={() => onPick(name, value)}>
        {text}
      </button>
    );
  }
  return <span class="label">{text}</span>;
}
