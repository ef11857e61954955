/** show: links that a file gives to values. In: a column, a row, the scope. Out: an anchor around its children, or the children alone. Where a link may lead is decided in dashboard/links.ts. */
import type { ComponentChildren } from "preact";

import { dataLinks, placeOf, type Ready } from "../dashboard/links";
import type { Field, Frame, Scope } from "../dashboard/model";
import { base } from "../router";

interface Props {
  field: Field;
  frame: Frame;
  row: number;
  scope: Scope;
  class?: string;
  style?: Record<string, string>;
  children: ComponentChildren;
}

export function Linked({ field, frame, row, scope, class: className, style, children }: Props) {
  const link = field.config.links?.length ? dataLinks(field, frame, row, scope)[0] : undefined;
  if (!link) return className ? <div class={className} style={style}>{children}</div> : <>{children}</>;
  return (
    <Anchor link={link} class={className} style={style} title={link.title}>
      {children}
    </Anchor>
  );
}

/** A link, or its words with the reason why it is not followed. */
export function Anchor({ link, title, children, ...rest }: { link: Ready; class?: string; style?: Record<string, string>; title?: string; children: ComponentChildren }) {
  if (link.why !== undefined) {
    const said = `Not followed: ${link.why}`;
    return (
      <span {...rest} title={title ? `${title}. ${said}` : said}>
        {children}
        <span class="unseen"> ({said})</span>
      </span>
    );
  }
  return (
    <a {...rest} href={addressOf(link)} title={title} target={link.newTab ? "_blank" : undefined} rel="noopener noreferrer">
      {children}
    </a>
  );
}

/** For `href`: places of these pages stand below their base. */
export const addressOf = (link: Pick<Ready, "url" | "inside">): string => (link.inside && !link.url.startsWith("?") ? base + link.url : link.inside ? location.pathname + link.url : link.url);

/** An address of a text that may be followed, or undefined. */
export function safeUrl(url: string): string | undefined {
  const found = placeOf(url);
  return found && found.why === undefined ? addressOf(found) : undefined;
}
