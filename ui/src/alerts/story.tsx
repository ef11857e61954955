/** show: what became of an alert: its last evaluations as a strip, when it fired and for how long, who was told. In: the history by the API. */
import type { AlertHistory, Episode, Evaluation } from "./types";
import type { Notice } from "../shapes";
import { Ago, At, State } from "../parts/basics";
import { Labels } from "../parts/labels";
import { number, plural } from "../parts/number";
import { cut, visible } from "../parts/text";
import { clock, duration, millis } from "../parts/time";

/** One cell per evaluation, the newest right. A click asks why at that time. */
export function Evaluations({ of, onPick, chosen }: { of: Evaluation[]; onPick?: (at: string) => void; chosen?: string }) {
  if (of.length === 0) return <p class="quiet">No evaluation is kept: the program has just started, or the rule is new.</p>;
  const counts = { firing: 0, pending: 0, inactive: 0, error: 0 };
  for (const one of of) counts[one.error ? "error" : (one.state ?? "inactive")] += 1;
  const said = `The last ${plural(of.length, "evaluation")}: ${Object.entries(counts).filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`).join(", ")}`;
  return (
    <div class="evaluations">
      <div class="evaluations-strip" role="group" aria-label={said}>
        {of.map((one) => (
          <button key={one.at} type="button" class={`evaluation ${one.error ? "error" : (one.state ?? "")} ${one.series === null ? "none" : ""}`} aria-pressed={chosen === one.at} title={titleOf(one)} aria-label={titleOf(one)} tabIndex={one === of.at(-1) || chosen === one.at ? 0 : -1} onKeyDown={alongside} onClick={() => onPick?.(one.at)} />
        ))}
      </div>
      <div class="evaluations-ends">
        <small>{clock(of[0]?.at)}</small>
        <small class="evaluations-key">
          <span class="nowrap"><i class="evaluation inactive" /> condition does not hold</span> <span class="nowrap"><i class="evaluation pending" /> pending</span> <span class="nowrap"><i class="evaluation firing" /> firing</span> <span class="nowrap"><i class="evaluation error" /> failed</span>
        </small>
        <small>{clock(of.at(-1)?.at)}</small>
      </div>
    </div>
  );
}

/** Arrow keys go from cell to cell: sixty stops of the tab key would be a burden. */
function alongside(event: KeyboardEvent) {
  const cell = event.currentTarget as HTMLElement;
  const next = event.key === "ArrowLeft" ? cell.previousElementSibling : event.key === "ArrowRight" ? cell.nextElementSibling : null;
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}

function titleOf(one: Evaluation): string {
  if (one.error) return `${clock(one.at)}: failed: ${cut(one.error, 200)}`;
  const series = one.series === null ? "no answer" : one.series === 0 ? "no series is beyond the line" : `${plural(one.series, "series", "series")} beyond the line, the largest ${number(one.value)}`;
  return `${clock(one.at)}: ${one.state ?? ""}${one.state ? "; " : ""}${series}; took ${duration(one.seconds)}`;
}

export function Episodes({ of }: { of: AlertHistory }) {
  if (of.episodes.length === 0) return <p class="quiet">{visible(of.because ?? "It did not fire in this time.")}</p>;
  const told = new Map(of.notifications.map((one) => [String(one.id), one]));
  return (
    <div class="wide" tabIndex={0}>
      <table class="stack">
        <caption class="unseen">When it fired</caption>
        <thead>
          <tr>
            <th>What</th>
            <th>Began</th>
            <th class="num">Waited</th>
            <th class="num">Fired for</th>
            <th>Ended</th>
            <th>Which</th>
            <th>Told</th>
          </tr>
        </thead>
        <tbody>
          {of.episodes.map((episode, index) => (
            <tr key={index}>
              <td data-title="What">
                <State of={episode.state} title={SAID[episode.state]} />
              </td>
              <td data-title="Began" class="nowrap">
                <At at={episode.pendingAt ?? episode.firedAt} />
              </td>
              <td data-title="Waited" class="num">{episode.pendingSeconds === null ? "" : duration(episode.pendingSeconds)}</td>
              <td data-title="Fired for" class="num">{episode.firingSeconds === null ? (episode.state === "firing" ? "still" : "") : duration(episode.firingSeconds)}</td>
              <td data-title="Ended" class="nowrap">{episode.endedAt ? <At at={episode.endedAt} /> : episode.state === "firing" || episode.state === "pending" ? <b class="bad">now</b> : ""}</td>
              <td data-title="Which">
                <Labels of={episode.labels} omit={["alertname", "severity"]} max={5} />
              </td>
              <td data-title="Told">
                <Told episode={episode} told={told} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {of.episodesTruncated && <p class="quiet">Only the newest {of.episodes.length} are shown.</p>}
    </div>
  );
}

const SAID: Record<Episode["state"], string> = {
  pending: "the condition holds, but not for long enough yet", firing: "fires now", resolved: "fired, and ended", gone: "the condition held for a while, but not long enough to fire",
};

function Told({ episode, told }: { episode: Episode; told: Map<string, Notice> }) {
  const known = episode.notifications.map((id) => told.get(String(id))).filter((one) => one !== undefined);
  if (known.length === 0) return <small>{episode.receivers.length > 0 ? cut(episode.receivers.join(", "), 60) : "nobody"}</small>;
  return (
    <span class="told">
      {known.slice(0, 4).map((one) => (
        <small key={one.id} title={cut(`${one.reason}: ${one.answer}`, 300)}>
          <State of={one.status} /> {cut(one.receiver, 40)} <At at={one.settledAt ?? one.createdAt} />
        </small>
      ))}
      {known.length > 4 && <small>and {known.length - 4} more</small>}
    </span>
  );
}

export function Messages({ of }: { of: Notice[] }) {
  if (of.length === 0) return <p class="quiet">No message about it is kept.</p>;
  return (
    <div class="wide" tabIndex={0}>
      <table class="stack">
        <caption class="unseen">Messages</caption>
        <thead>
          <tr>
            <th>When</th>
            <th>To</th>
            <th>What</th>
            <th>Why</th>
            <th>Became</th>
            <th>Answer</th>
          </tr>
        </thead>
        <tbody>
          {of.slice(0, 50).map((one) => (
            <tr key={one.id}>
              <td data-title="When" class="nowrap">
                <Ago at={one.createdAt} />
              </td>
              <td data-title="To">
                {visible(cut(one.receiver, 60))} <small>{one.integration}</small>
              </td>
              <td data-title="What">
                <State of={one.state} /> <small>{plural(one.alertCount, "alert")}</small>
              </td>
              <td data-title="Why">{cut(one.reason, 80)}</td>
              <td data-title="Became">
                <State of={one.status} /> {one.attempts > 1 && <small>{plural(one.attempts, "attempt")}</small>}
              </td>
              <td data-title="Answer">{visible(cut(one.answer, 200))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {of.length > 50 && <p class="quiet">and {of.length - 50} more</p>}
    </div>
  );
}

/** Bands of a chart: when it was pending and when it fired. */
export function bandsOf(episodes: Episode[], end: number): { from: number; to: number; kind: "firing" | "pending" }[] {
  const out: { from: number; to: number; kind: "firing" | "pending" }[] = [];
  for (const episode of episodes.slice(0, 300)) {
    const [pending, fired, ended] = [episode.pendingAt, episode.firedAt, episode.endedAt].map((at) => millis(at));
    const last = (ended ?? end * 1000) / 1000;
    if (pending !== undefined) out.push({ from: pending / 1000, to: (fired ?? last * 1000) / 1000, kind: "pending" });
    if (fired !== undefined) out.push({ from: fired / 1000, to: last, kind: "firing" });
  }
  return out;
}
