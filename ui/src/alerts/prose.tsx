/** show: annotations as people wrote them: paragraphs, `code`, addresses as links, templates of a rule that has no alert marked as such. Text only. */
import { Fragment } from "preact";

import { cut, safeUrl, visible } from "../parts/text";
import { isTemplate, pieces } from "./words";

const CHARS_MAX = 6000;

export function Prose({ text }: { text: string }) {
  const paragraphs = visible(cut(text, CHARS_MAX)).split(/\n{2,}/);
  return (
    <>
      {paragraphs.map((paragraph, index) => (
        <p key={index} class="prose" dir="auto">
          {pieces(paragraph).map((piece, at) => (piece.kind === "code" ? <code key={at}>{piece.text}</code> : piece.kind === "url" ? <Link key={at} to={piece.text} /> : <Templates key={at} text={piece.text} />))}
        </p>
      ))}
    </>
  );
}

/** `{{ $labels.job }}` of a rule without an alert: what will stand there, smaller. */
function Templates({ text }: { text: string }) {
  if (!isTemplate(text)) return <>{text}</>;
  return (
    <>
      {text.split(/(\{\{.*?\}\})/s).map((part, index) => (
        <Fragment key={index}>{part.startsWith("{{") ? <span class="template" title={part}>{inner(part)}</span> : part}</Fragment>
      ))}
    </>
  );
}

/** `{{ $labels.job | title }}` reads `job`, `{{ $value | humanize }}` reads `value`. */
function inner(template: string): string {
  const said = template.slice(2, -2).replace(/^-|-$/g, "").trim();
  const name = /^(?:printf\s+"[^"]*"\s+)?\$?(?:labels|Labels)\.([\w.]+)/.exec(said)?.[1] ?? (/\$value\b|\.Value\b/.test(said) ? "value" : undefined);
  return `‹${name ?? cut(said, 40)}›`;
}

export function Link({ to, text = to }: { to: string; text?: string }) {
  const url = safeUrl(to);
  if (!url) return <span title="not a web address; not a link">{visible(cut(text, 300))}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {visible(cut(text, 120))}
    </a>
  );
}
