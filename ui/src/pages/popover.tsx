/** show: a button with a box below it. Closes by Escape, by a click elsewhere, and when the focus leaves. In: a label, the inside. Holds whether it is open. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props {
  label: ComponentChildren;
  /** For screen readers, when the label says too little. */
  title?: string;
  class?: string;
  wide?: boolean;
  children: (close: () => void) => ComponentChildren;
}

export function Popover({ label, title, class: className = "", wide = false, children }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => root.current?.contains(event.target as Node) || setOpen(false);
    const escape = (event: KeyboardEvent) => event.key === "Escape" && close();
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);
  useLayoutEffect(() => {
    if (!open || !box.current) return;
    // Inside the window: to the left when there is no room to the right.
    const rect = box.current.getBoundingClientRect();
    const room = document.documentElement.clientWidth - 8;
    if (rect.right > room) box.current.style.left = `${Math.round(Math.max(8 - rect.left, room - rect.right))}px`;
  }, [open]);
  return (
    <div class={`popover ${className}`} ref={root}>
      <button type="button" ref={button} aria-expanded={open} aria-controls={id} title={title} aria-label={title} onClick={() => setOpen(!open)}>
        {label}
      </button>
      {open && (
        <div class={wide ? "popover-box wide" : "popover-box"} id={id} ref={box}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
