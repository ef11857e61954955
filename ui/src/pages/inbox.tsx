/** show: the built-in inbox: messages that came here, drawn as Discord draws them. In the demo all of its messages come here. */
import { get, useAsked } from "../api";
import { Ago, Empty, ErrorLine, Loading, Text } from "../parts/basics";
import { filtered, Filter } from "../parts/controls";
import { count, plural } from "../parts/number";
import { cut, visible } from "../parts/text";
import { clock, dateTime } from "../parts/time";
import { place, root, setQuery } from "../router";
import type { PageProps } from "../routes";
import type { InboxMessage } from "../shapes";
import { message, spans, type Embed, type Span } from "../inbox/discord";
import "../inbox/inbox.css";

const EVERY_MS = 3000;
const PAGE = 50;
const TEXT_MAX = 4000;
/** Above it a text is folded. */
const WORDS_MAX = 1500;

export default function Inbox(_: PageProps) {
  const asked = useAsked((abort) => get<InboxMessage[]>("api/bellbuoy/inbox", {}, abort), "inbox", EVERY_MS);
  const shown = filtered(asked.data ?? [], (one) => JSON.stringify(one.message).slice(0, 20_000));
  const size = Math.max(PAGE, Number(place.value.query.get("show")) || 0);
  return (
    <>
      <div class="bar">
        <h1>Inbox</h1>
        {asked.data && asked.data.length > 0 && (
          <>
            <span class="quiet">{plural(asked.data.length, "message")}, newest first</span>
            <span class="right">
              <Filter placeholder="Filter by words" />
            </span>
          </>
        )}
      </div>
      <ErrorLine error={asked.error} again={asked.again} />
      {!asked.data && asked.loading && <Loading />}
      {asked.data?.length === 0 && (
        <Empty
          title="No message has arrived"
          because="A receiver with the address of this inbox delivers here, so that messages can be looked at before people get them."
          todo="Give any webhook or Discord receiver this address."
          snippet={{ language: "yaml", text: `receivers:\n  - name: inbox\n    discord_configs:\n      - webhook_url: ${location.origin}/inbox\n` }}
        />
      )}
      {asked.data && asked.data.length > 0 && shown.length === 0 && <p class="quiet">No message has these words.</p>}
      <ul class="inbox">
        {shown.slice(0, size).map((one) => (
          <li key={one.id}>
            <One message={one} />
          </li>
        ))}
      </ul>
      {shown.length > size && (
        <p class="more">
          <button type="button" onClick={() => setQuery({ show: String(size + PAGE) })}>
            Show {Math.min(PAGE, shown.length - size)} more of {count(shown.length - size)}
          </button>
        </p>
      )}
    </>
  );
}

function One({ message: received }: { message: InboxMessage }) {
  const drawn = message(received.message);
  return (
    <>
      <span class="avatar" aria-hidden="true">
        <img src="./buoy.svg" alt="" width={22} height={22} />
      </span>
      <article>
        <header>
          <b>
            <bdi>{visible(cut(drawn.from, 80))}</bdi>
          </b>
          <span class="quiet" title={dateTime(received.at)}>
            {clock(received.at)} · <Ago at={received.at} />
          </span>
        </header>
        {drawn.content && (
          <p>
            <Words of={drawn.content} />
          </p>
        )}
        {drawn.embeds.map((embed, index) => (
          <EmbedCard key={index} embed={embed} />
        ))}
        {received.picture && (
          <img class="picture" src={`${root}api/bellbuoy/inbox/${received.id}/picture`} alt="The last values of the alert, and its threshold" width={400} height={150} loading="lazy" />
        )}
        {drawn.other && (
          <pre tabIndex={0} aria-label="the message">
            {visible(cut(JSON.stringify(received.message, null, 2), TEXT_MAX))}
          </pre>
        )}
        <details>
          <summary>as received</summary>
          <pre tabIndex={0} aria-label="the message as received">
            {visible(cut(JSON.stringify(received.message, null, 2), 100_000))}
          </pre>
        </details>
      </article>
    </>
  );
}

function EmbedCard({ embed }: { embed: Embed }) {
  return (
    <div class="embed">
      <span class="embed-bar" style={{ background: embed.color }} aria-hidden="true" />
      <div class="embed-body">
        {embed.title && <h3>{embed.url ? <a href={embed.url} rel="noreferrer noopener" target="_blank"><Words of={embed.title} /></a> : <Words of={embed.title} />}</h3>}
        {embed.description && (
          <div class="words">
            <Words of={embed.description} />
          </div>
        )}
        {embed.fields.length > 0 && (
          <dl>
            {embed.fields.map((field, index) => (
              <div key={index} class={field.inline ? "inline" : undefined}>
                <dt>
                  <Words of={field.name} />
                </dt>
                <dd>
                  <Words of={field.value} />
                </dd>
              </div>
            ))}
          </dl>
        )}
        {(embed.footer || embed.timestamp) && (
          <footer>
            <Text of={embed.footer} />
            {embed.footer && embed.timestamp && " · "}
            {embed.timestamp && dateTime(embed.timestamp)}
          </footer>
        )}
      </div>
    </div>
  );
}

function Words({ of }: { of: string }) {
  if (of.length > WORDS_MAX) return <Text of={of} max={500} />;
  return (
    <bdi>
      {spans(of).map((span, index) => (
        <Word key={index} span={span} />
      ))}
    </bdi>
  );
}

function Word({ span }: { span: Span }) {
  const text = visible(span.text);
  if (span.link) {
    return (
      <a href={span.link} rel="noreferrer noopener" target="_blank">
        {text}
      </a>
    );
  }
  if (span.style === "bold") return <b>{text}</b>;
  if (span.style === "italic") return <i>{text}</i>;
  if (span.style === "code") return <code>{text}</code>;
  if (span.style === "under") return <u>{text}</u>;
  if (span.style === "struck") return <s>{text}</s>;
  return <>{text}</>;
}
