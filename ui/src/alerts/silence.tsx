/**
 * show: silence an alert in two clicks. In: labels of the alert. Out: a dialog with matchers, length and comment filled in; the second click
 * posts the silence. Says which alerts it hushes before it is made, and undoes it for as long as the page is open.
 */
import { useState } from "preact/hooks";

import { get, send } from "../api";
import { Dialog, Doing } from "../parts/controls";
import { Label } from "../parts/labels";
import { ErrorLine } from "../parts/basics";
import { plural } from "../parts/number";
import { brief, parseDuration, promDuration } from "../parts/time";
import { matches, read, written } from "./matchers";
import type { Matcher, RoutedAlert } from "./types";
import type { Labels } from "../shapes";

const LENGTHS = ["30m", "1h", "2h", "8h", "1d", "7d"];
const AUTHOR = "bellbuoy.author";

export interface Made {
  id: string;
  until: number;
  count: number;
}

interface Props {
  labels: Labels;
  alerts: readonly { labels: Labels }[];
  onClose: () => void;
  onMade: (made: Made) => void;
}

export function SilenceDialog({ labels, alerts, onClose, onMade }: Props) {
  const [matchers, setMatchers] = useState<Matcher[]>(() => Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })));
  const [more, setMore] = useState("");
  const [length, setLength] = useState("2h");
  const [author, setAuthor] = useState(() => localStorage.getItem(AUTHOR) ?? "");
  const [comment, setComment] = useState("");
  const typed = read(more);
  const all = [...matchers, ...typed.matchers];
  const seconds = parseDuration(length);
  const hit = alerts.filter((alert) => all.every((matcher) => matches(matcher, alert.labels)));
  const problem = typed.problem ?? (typed.words.length > 0 ? `"${typed.words[0]}" is no matcher; write name="value"` : all.every((matcher) => matches(matcher, {})) ? "At least one matcher must not match everything." : seconds === undefined || seconds <= 0 ? `"${length}" is no length of time such as 2h or 1d12h` : undefined);
  const silence = async () => {
    const now = Date.now();
    const until = now + (seconds ?? 0) * 1000;
    if (author) localStorage.setItem(AUTHOR, author);
    const body = { matchers: all, startsAt: new Date(now).toISOString(), endsAt: new Date(until).toISOString(), createdBy: author || "someone at the pages", comment: comment || `silenced for ${length}` };
    const { silenceID } = await send<{ silenceID: string }>("POST", "api/v2/silences", body);
    onMade({ id: silenceID, until, count: hit.length });
    onClose();
  };
  return (
    <Dialog title={`Silence ${labels.alertname ?? "alerts"}`} onClose={onClose}>
      <form class="silence" onSubmit={(event) => event.preventDefault()}>
        <fieldset>
          <legend>Alerts with all of these</legend>
          <span class="labels">
            {matchers.map((matcher, index) => (
              <span key={matcher.name} class="silence-matcher">
                <Label name={matcher.name} value={matcher.value} />
                <button type="button" class="small plain" aria-label={`leave out ${written(matcher).slice(0, 80)}`} title="leave this out: silence more" onClick={() => setMatchers(matchers.toSpliced(index, 1))}>
                  ×
                </button>
              </span>
            ))}
          </span>
          <input type="text" class="wide-input mono" aria-label="more matchers" placeholder='more, for example instance=~"eu-.*"' value={more} onInput={(event) => setMore(event.currentTarget.value)} />
        </fieldset>
        <fieldset>
          <legend>For</legend>
          <span class="silence-lengths">
            {LENGTHS.map((one) => (
              <button key={one} type="button" aria-pressed={one === length} onClick={() => setLength(one)}>
                {one}
              </button>
            ))}
            <input type="text" size={8} aria-label="length of time" value={length} onInput={(event) => setLength(event.currentTarget.value)} />
          </span>
        </fieldset>
        <fieldset class="silence-who">
          <legend>Who and why</legend>
          <input type="text" aria-label="your name" placeholder="your name" maxLength={80} value={author} onInput={(event) => setAuthor(event.currentTarget.value)} />
          <input type="text" aria-label="why" placeholder="why (others will read it)" maxLength={500} value={comment} onInput={(event) => setComment(event.currentTarget.value)} />
        </fieldset>
        <p class={problem ? "bad" : "quiet"} role="status">
          {problem ?? `Hushes ${hit.length === 0 ? "no alert of now" : `${plural(hit.length, "alert")} of now`}, and those that come until ${seconds ? brief(Date.now() + seconds * 1000) : "?"}.`}
        </p>
        <p class="bar">
          <Doing main disabled={problem !== undefined} label={`Silence for ${seconds ? promDuration(seconds) : "?"}`} act={silence} />
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </p>
      </form>
    </Dialog>
  );
}

/** A button that opens the dialog, and what became of it, with undo. */
export function useSilence(done: () => void) {
  const [labels, setLabels] = useState<Labels>();
  const [alerts, setAlerts] = useState<readonly { labels: Labels }[]>([]);
  const [made, setMade] = useState<Made>();
  const [error, setError] = useState<string>();
  const open = (of: Labels, known?: readonly { labels: Labels }[]) => {
    setLabels(of);
    if (known) setAlerts(known);
    else get<RoutedAlert[]>("api/v2/alerts").then(setAlerts, () => setAlerts([]));
  };
  const undo = async () => {
    if (!made) return;
    try {
      await send("DELETE", `api/v2/silence/${encodeURIComponent(made.id)}`);
      setMade(undefined);
      done();
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    }
  };
  const view = (
    <>
      {labels && <SilenceDialog labels={labels} alerts={alerts} onClose={() => setLabels(undefined)} onMade={(one) => { setMade(one); setError(undefined); done(); }} />}
      {made && (
        <p class="silence-made" role="status">
          Silenced until {brief(made.until)}; {made.count === 0 ? "no alert of now is hushed" : `${plural(made.count, "alert")} hushed`}.{" "}
          <button type="button" class="small" onClick={undo}>
            Undo
          </button>{" "}
          <button type="button" class="small plain" aria-label="close" onClick={() => setMade(undefined)}>
            ×
          </button>
        </p>
      )}
      <ErrorLine error={error} what="Not undone" />
    </>
  );
  return { open, view };
}
