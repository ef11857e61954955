/** show: the box that a query is written in. In: a text, what to do when it changes and when it shall run. Out: the editor, and until its chunk is there a plain box. */
import { useEffect, useRef } from "preact/hooks";

import type { Offered } from "../dashboard/offered";
import type { Editor } from "./editor";
import "./codebox.css";

interface CodeBoxProps {
  text: string;
  label: string;
  onChange: (text: string) => void;
  onRun: (text: string) => void;
  editor: { current: Editor | null };
  ready: boolean;
  onReady: () => void;
  /** An empty one takes the focus when it is there. */
  focus?: boolean;
  /** What is completed behind a `$`; none: it is no query of a dashboard. */
  offered?: () => Offered[];
}

/** The editor's chunk is large: until it is there, and where it cannot load, a plain box does. */
export function CodeBox({ text, label, onChange, onRun, editor, ready, onReady, focus = true, offered }: CodeBoxProps) {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef({ onChange, onRun, text, offered });
  latest.current = { onChange, onRun, text, offered };
  useEffect(() => {
    let gone = false;
    import("./editor").then(
      ({ mount }) => {
        if (gone || !host.current) return;
        editor.current = mount(host.current, { text: latest.current.text, label, onChange: (next) => latest.current.onChange(next), onRun: (next) => latest.current.onRun(next), offered: () => latest.current.offered?.() ?? [] });
        onReady();
        if (focus && latest.current.text === "") editor.current.focus();
      },
      () => undefined,
    );
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  return (
    <div class="query-box">
      {!ready && (
        <textarea
          rows={Math.min(8, text.split("\n").length)}
          class="mono"
          aria-label={label}
          spellcheck={false}
          value={text}
          onInput={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey) return;
            event.preventDefault();
            onRun(event.currentTarget.value);
          }}
        />
      )}
      <div ref={host} />
    </div>
  );
}
