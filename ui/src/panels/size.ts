/** show: how large an element is, as it changes. One observer for all; lets go of what left the page. */
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

export interface Size {
  width: number;
  height: number;
}

const listeners = new WeakMap<Element, (size: Size) => void>();
let observer: ResizeObserver | undefined;

/** Not made where it is used: its callback, which lives on, would hold the first element that was ever watched, and the whole panel with it. */
function shared(): ResizeObserver {
  return (observer ??= new ResizeObserver((entries) => {
    for (const entry of entries) listeners.get(entry.target)?.({ width: Math.floor(entry.contentRect.width), height: Math.floor(entry.contentRect.height) });
  }));
}

function watch(element: Element, tell: (size: Size) => void): () => void {
  listeners.set(element, tell);
  shared().observe(element);
  return () => {
    listeners.delete(element);
    observer?.unobserve(element);
  };
}

/** The inner size of an element; zero until it is known. */
export function useSize(ref: { current: Element | null }): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const style = getComputedStyle(element);
    const pad = (side: string) => parseFloat(style.getPropertyValue(`padding-${side}`)) || 0;
    setSize({
      width: Math.floor(element.clientWidth - pad("left") - pad("right")),
      height: Math.floor(element.clientHeight - pad("top") - pad("bottom")),
    });
  }, []);
  useEffect(() => {
    if (!ref.current) return;
    return watch(ref.current, (next) => setSize((before) => (before.width === next.width && before.height === next.height ? before : next)));
  }, []);
  return size;
}
