/**
 * show: the smallest parts that pages share: times, tags, unknown figures, long texts, copy, errors, empty places.
 *
 * In: props. Out: elements. Texts are drawn as text, never as HTML.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { NotKnown } from "../shapes";

import { cut, visible } from "./text";
import { ago, dateTime, millis, now, type When } from "./time";

/** `3 s ago`, which counts on; the exact time on top of it. */
export function Ago({ at, never = "never" }: { at: When; never?: string }) {
  const ms = millis(at);
  if (ms === undefined) return <span class="quiet">{never}</span>;
  return (
    <time class="nowrap" dateTime={new Date(ms).toISOString()} title={`${dateTime(ms)} (${new Date(ms).toISOString()})`}>
      {ago(ms, now.value)}
    </time>
  );
}

/** `21 Nov 14:03:07`; how long ago on top of it. */
export function At({ at, never = "never" }: { at: When; never?: string }) {
  const ms = millis(at);
  if (ms === undefined) return <span class="quiet">{never}</span>;
  return (
    <time class="nowrap" dateTime={new Date(ms).toISOString()} title={`${ago(ms, Date.now())} (${new Date(ms).toISOString()})`}>
      {dateTime(ms)}
    </time>
  );
}

export type Tone = "good" | "warn" | "bad" | "info" | "";

const TONES: Record<string, Tone> = {
  up: "good", ok: "good", delivered: "good", active: "good", inactive: "good", resolved: "good", nothing: "good", deploy: "good", yes: "good",
  pending: "warn", warning: "warn", retrying: "warn", watch: "warn", skip: "warn", suppressed: "info", silenced: "info", inhibited: "info", replaced: "",
  info: "info", note: "info", waiting: "info", down: "bad", err: "bad", error: "bad", failed: "bad", firing: "bad", bad: "bad", critical: "bad", retrain: "bad", reject: "bad",
  unknown: "", expired: "", nodata: "warn",
};

/** The tone of a word that many endpoints use; none for words that are not known. */
export function toneOf(word: string): Tone {
  return TONES[word] ?? "";
}

export function Tag({ tone = "", title, children }: { tone?: Tone; title?: string; children: ComponentChildren }) {
  return (
    <span class={`tag ${tone}`} title={title}>
      {children}
    </span>
  );
}

/** A state in its colour; the word is always there, so colour alone says nothing. */
export function State({ of, title }: { of: string; title?: string }) {
  return (
    <Tag tone={toneOf(of)} title={title}>
      <bdi>{visible(cut(of, 60))}</bdi>
    </Tag>
  );
}

/** A number, or why there is none. */
export type Figure = { value: number; unknown?: undefined } | (NotKnown & { value?: undefined });

export function FigureText({ of, as }: { of: Figure | undefined | null; as: (value: number) => string }) {
  if (!of) return <Unknown because="the server does not say" />;
  if (of.unknown) return <Unknown because={of.unknown.because} />;
  return <>{as(of.value)}</>;
}

/** No data is its own outcome: a word that opens its reason. */
export function Unknown({ because, word = "unknown" }: { because: string; word?: string }) {
  const [open, setOpen] = useState(false);
  return (
    <button type="button" class="unknown" aria-expanded={open} title={because} onClick={() => setOpen(!open)}>
      {open ? visible(cut(because, 600)) : word}
    </button>
  );
}

/** A text of any length: the start, and the rest on demand. */
export function Text({ of, max = 300 }: { of: string; max?: number }) {
  const [whole, setWhole] = useState(false);
  if (of.length <= max) return <bdi class={of.length > 40 ? "text long" : "text"}>{visible(of)}</bdi>;
  return (
    <span class="text long">
      <bdi class={whole ? "text-whole" : undefined} tabIndex={whole ? 0 : undefined}>
        {visible(whole ? of : cut(of, max))}
        {whole ? "" : "…"}
      </bdi>{" "}
      <button type="button" class="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>
        {whole ? "less" : `all ${of.length.toLocaleString("en-GB")} characters`}
      </button>
    </span>
  );
}

/** Puts a text into the clipboard and says so on itself. */
export function Copy({ text, label = "Copy" }: { text: string | (() => string); label?: string }) {
  const [said, setSaid] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    setSaid((await toClipboard(typeof text === "string" ? text : text())) ? "copied" : "not allowed here");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaid(""), 1500);
  };
  return (
    <button type="button" class="small" onClick={copy}>
      <span aria-live="polite">{said || label}</span>
    </button>
  );
}

/** Browsers give the clipboard's API only to https and this machine; elsewhere the old way still works. */
async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Lines to copy into a file or a shell. */
export function Snippet({ text, language }: { text: string; language?: string }) {
  return (
    <div class="snippet">
      <pre tabIndex={0} aria-label={language ? `${language} to copy` : "to copy"}>
        {text}
      </pre>
      <Copy text={text} />
    </div>
  );
}

export interface SnippetText {
  language: string;
  text: string;
}

/** In the place of what is not there: why, what to do, lines to copy. */
export function Empty({ title, because, todo, snippet, children }: { title: string; because?: ComponentChildren; todo?: ComponentChildren; snippet?: SnippetText | null; children?: ComponentChildren }) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {because && <p>{because}</p>}
      {todo && <p class="quiet">{todo}</p>}
      {snippet && <Snippet text={snippet.text} language={snippet.language} />}
      {children}
    </section>
  );
}

/** What went wrong with a question, in its place on the page; what was known before stays beside it. */
export function ErrorLine({ error, again, what }: { error: { message: string } | string | undefined; again?: () => void; what?: string }) {
  if (!error) return null;
  const text = typeof error === "string" ? error : error.message;
  return (
    <p class="error-line" role="alert">
      {what && <b>{what}: </b>}
      <Text of={text} />{" "}
      {again && (
        <button type="button" class="small" onClick={again}>
          Ask again
        </button>
      )}
    </p>
  );
}

export function Loading() {
  return (
    <p class="quiet" aria-busy="true">
      Loading…
    </p>
  );
}

/** Keys and values, for facts about one thing. */
export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
