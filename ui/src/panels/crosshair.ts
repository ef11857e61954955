/**
 * show: the moment under the pointer, shared by all charts of a dashboard. In: the time that one chart points at. Out: a line in each other chart.
 * A line is one element that moves, so a hundred charts cost nothing. Holds the listeners of charts that are on the page.
 */

type Listener = (atMs: number | null, from: object) => void;

const groups = new Map<string, Set<Listener>>();

export function listen(group: string, listener: Listener): () => void {
  const set = groups.get(group) ?? new Set();
  groups.set(group, set.add(listener));
  return () => {
    set.delete(listener);
    if (set.size === 0) groups.delete(group);
  };
}

export function point(group: string, atMs: number | null, from: object): void {
  for (const listener of groups.get(group) ?? []) listener(atMs, from);
}
