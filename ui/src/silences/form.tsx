/** show: the form of a silence. In: a silence to change or copy, or a filter; the alerts of now. Out: a silence, and before it which alerts it hides. */
import { useState } from "preact/hooks";

import { matches } from "../alerts/matchers";
import type { Matcher, RoutedAlert, Silence } from "../alerts/types";
import { send } from "../api";
import { Doing } from "../parts/controls";
import { Labels } from "../parts/labels";
import { plural } from "../parts/number";
import { Text } from "../parts/basics";
import { duration, millis, now } from "../parts/time";
import { parseWhen, writeWhen } from "./when";

const AUTHOR = "bellbuoy.author";
const OPERATORS = ["=", "!=", "=~", "!~"];
const LENGTHS = ["30m", "1h", "2h", "8h", "1d", "7d"];

interface Props {
  /** Changed when it is active or pending; else a new one like it. */
  of?: Silence;
  matchers: Matcher[];
  alerts: readonly RoutedAlert[] | undefined;
  onDone: (id: string) => void;
  onCancel: () => void;
}

export function SilenceForm({ of, matchers: given, alerts, onDone, onCancel }: Props) {
  const changing = of !== undefined && of.status.state !== "expired";
  const [matchers, setMatchers] = useState<Matcher[]>(given.length > 0 ? given : [{ name: "", value: "", isRegex: false, isEqual: true }]);
  const [start, setStart] = useState(changing ? writeWhen(millis(of.startsAt) ?? 0) : "now");
  const [end, setEnd] = useState(changing ? writeWhen(millis(of.endsAt) ?? 0) : "2h");
  const [author, setAuthor] = useState(of?.createdBy ?? localStorage.getItem(AUTHOR) ?? "");
  const [comment, setComment] = useState(of?.comment ?? "");
  const named = matchers.filter((matcher) => matcher.name !== "" || matcher.value !== "");
  const startsMs = start.trim() === "now" || start.trim() === "" ? now.value : parseWhen(start, now.value);
  const endsMs = startsMs === undefined ? undefined : parseWhen(end, startsMs);
  const problem = wrong(named, startsMs, endsMs, start, end) ?? (author.trim() === "" ? "Who makes it? Others will want to ask." : comment.trim() === "" ? "Why? A word for those who wonder later." : undefined);
  const hidden = alerts?.filter((alert) => named.length > 0 && named.every((matcher) => matches(matcher, alert.labels)));
  const change = (index: number, part: Partial<Matcher>) => setMatchers(matchers.map((matcher, at) => (at === index ? { ...matcher, ...part } : matcher)));
  const save = async () => {
    localStorage.setItem(AUTHOR, author);
    const body = { id: changing ? of.id : undefined, matchers: named, startsAt: new Date(startsMs ?? 0).toISOString(), endsAt: new Date(endsMs ?? 0).toISOString(), createdBy: author, comment };
    const { silenceID } = await send<{ silenceID: string }>("POST", "api/v2/silences", body);
    onDone(silenceID);
  };
  return (
    <section class="card silence-form" aria-labelledby="silence-form-title">
      <h2 id="silence-form-title">{changing ? "Change the silence" : "New silence"}</h2>
      <form onSubmit={(event) => event.preventDefault()}>
        <fieldset>
          <legend>Alerts whose labels match all of these</legend>
          {matchers.map((matcher, index) => (
            <MatcherRow key={index} matcher={matcher} index={index} change={(part) => change(index, part)} remove={matchers.length > 1 ? () => setMatchers(matchers.toSpliced(index, 1)) : undefined} />
          ))}
          <button type="button" class="small" onClick={() => setMatchers([...matchers, { name: "", value: "", isRegex: false, isEqual: true }])}>
            Add a matcher
          </button>
        </fieldset>
        <fieldset class="two">
          <legend>When</legend>
          <label>
            From <input type="text" value={start} placeholder="now, or 2026-11-21 18:30" onInput={(event) => setStart(event.currentTarget.value)} />
          </label>
          <label>
            Until <input type="text" value={end} placeholder="2h, or 2026-11-21 20:30" onInput={(event) => setEnd(event.currentTarget.value)} />
          </label>
          <span class="lengths" role="group" aria-label="Usual lengths">
            {LENGTHS.map((length) => (
              <button key={length} type="button" class="small" aria-pressed={end === length} onClick={() => setEnd(length)}>
                {length}
              </button>
            ))}
          </span>
          <span class="quiet" role="status">
            {startsMs !== undefined && endsMs !== undefined && endsMs > startsMs && `${duration(Math.round((endsMs - startsMs) / 1000))}, until ${writeWhen(Math.floor(endsMs / 60_000) * 60_000)}`}
          </span>
        </fieldset>
        <fieldset class="two">
          <legend>Who and why</legend>
          <label>
            Your name <input type="text" value={author} maxLength={100} onInput={(event) => setAuthor(event.currentTarget.value)} />
          </label>
          <label class="wide-label">
            Why <input type="text" value={comment} maxLength={1000} onInput={(event) => setComment(event.currentTarget.value)} />
          </label>
        </fieldset>
        <Preview hidden={hidden} matchers={named} />
        <p class="bar">
          <Doing main label={changing ? "Save the silence" : "Make the silence"} disabled={problem !== undefined} act={save} />
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
          {problem && <span class="quiet">{problem}</span>}
        </p>
      </form>
    </section>
  );
}

function wrong(matchers: Matcher[], startsMs: number | undefined, endsMs: number | undefined, start: string, end: string): string | undefined {
  if (matchers.length === 0) return "At least one matcher is needed.";
  if (matchers.some((matcher) => matcher.name === "")) return "A matcher has no label's name.";
  const bad = matchers.find((matcher) => matcher.isRegex && !isRegex(matcher.value));
  if (bad) return `"${bad.value.slice(0, 60)}" is no regular expression.`;
  if (matchers.every((matcher) => matches(matcher, {}))) return "It would match every alert: one matcher must ask for something that is there.";
  if (startsMs === undefined) return `"${start}" is no time such as 2026-11-21 18:30.`;
  if (endsMs === undefined) return `"${end}" is no length such as 2h and no time such as 2026-11-21 18:30.`;
  if (endsMs <= Math.max(startsMs, Date.now())) return "It would be over before it starts.";
  return undefined;
}

function isRegex(text: string): boolean {
  try {
    return new RegExp(`^(?:${text})$`) instanceof RegExp;
  } catch {
    return false;
  }
}

function MatcherRow({ matcher, index, change, remove }: { matcher: Matcher; index: number; change: (part: Partial<Matcher>) => void; remove?: () => void }) {
  const operator = `${matcher.isEqual ? "=" : "!"}${matcher.isRegex ? "~" : matcher.isEqual ? "" : "="}`;
  return (
    <div class="matcher-row" role="group" aria-label={`Matcher ${index + 1}`}>
      <input type="text" aria-label="label" placeholder="label" class="mono" value={matcher.name} onInput={(event) => change({ name: event.currentTarget.value.trim() })} />
      <select aria-label="how" value={operator} onChange={(event) => change({ isEqual: event.currentTarget.value.startsWith("="), isRegex: event.currentTarget.value.endsWith("~") })}>
        {OPERATORS.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      <input type="text" aria-label="value" placeholder={matcher.isRegex ? "regular expression" : "value"} class="mono" value={matcher.value} onInput={(event) => change({ value: event.currentTarget.value })} />
      {remove && (
        <button type="button" class="small" aria-label={`remove matcher ${index + 1}`} onClick={remove}>
          ×
        </button>
      )}
    </div>
  );
}

function Preview({ hidden, matchers }: { hidden: RoutedAlert[] | undefined; matchers: Matcher[] }) {
  if (!hidden) return <p class="quiet">Which alerts it hides is not known yet.</p>;
  return (
    <section class="preview" aria-live="polite">
      <h3>{matchers.length === 0 ? "It hides nothing yet" : hidden.length === 0 ? "It hides no alert of now" : `It hides ${plural(hidden.length, "alert")} of now`}</h3>
      <ul>
        {hidden.slice(0, 10).map((alert) => (
          <li key={alert.fingerprint}>
            <b>
              <Text of={alert.labels.alertname ?? "without a name"} max={80} />
            </b>{" "}
            <Labels of={alert.labels} omit={["alertname"]} max={6} />
          </li>
        ))}
        {hidden.length > 10 && <li class="quiet">and {hidden.length - 10} more</li>}
      </ul>
    </section>
  );
}
