/** show: champion against challenger on both test sets. In: a comparison of the audit record. Out: a line per set with both figures, the gain and its interval. */
import { becameOf } from "./names";
import { metricName, toneOfOutcome, OUTCOMES } from "./shared";
import type { Comparison, Entry, Known } from "./types";
import { Ago, Tag, Unknown } from "../parts/basics";
import { number, plural } from "../parts/number";
import { cut, visible } from "../parts/text";
import type { LastChallenger } from "../shapes";

const OLDER_MAX = 20;

/** `last`: what the model itself remembers; the record that was asked for may not reach that far back. */
export function Versus({ entries, last }: { entries: Entry[]; last: LastChallenger | null | undefined }) {
  const [newest, ...older] = entries;
  if (!newest && last) return <p class="quiet">The last {becameOf(last)} <Ago at={last.at} />; so much was recorded since that its figures are not among the newest entries.</p>;
  if (!newest) return <p class="quiet">No challenger was compared with the champion yet. A pipeline asks for it after a training: <code>POST /api/v1/models/NAME/evaluations</code>.</p>;
  return (
    <>
      <One entry={newest} />
      {older.length > 0 && (
        <details>
          <summary>{plural(older.length, "earlier comparison")}{older.length > OLDER_MAX ? `, the newest ${OLDER_MAX} of them` : ""}</summary>
          {older.slice(0, OLDER_MAX).map((entry) => (
            <One key={entry.at} entry={entry} />
          ))}
        </details>
      )}
    </>
  );
}

function One({ entry }: { entry: Entry }) {
  const outcome = entry.decision ?? entry.outcome ?? "";
  return (
    <article class="versus card">
      <header>
        <Tag tone={toneOfOutcome(outcome)} title={OUTCOMES[outcome]}>
          {outcome}
        </Tag>{" "}
        <b>{OUTCOMES[outcome] ?? ""}</b> <Ago at={entry.at} />
        {entry.version && <small> version {cut(String(entry.version), 60)}</small>}
      </header>
      <p dir="auto">{visible(cut(entry.because ?? "", 600))}</p>
      <div class="versus-sets">
        {entry.current && <Set name="Current" help="rows of today: what it must learn" of={entry.current} />}
        {entry.baseline && <Set name="Baseline" help="rows of the time of the reference: what it must not forget" of={entry.baseline} />}
      </div>
    </article>
  );
}

function Set({ name, help, of }: { name: string; help: string; of: Comparison }) {
  const [champion, challenger] = [value(of.champion), value(of.challenger)];
  return (
    <section>
      <h3>
        {name} set <small>{help}{of.rows ? `, ${plural(of.rows, "row")}` : ""}</small>
      </h3>
      <Dumbbell champion={champion} challenger={challenger} />
      <p class="versus-figures">
        <span><i class="champion" /> champion {metricName(of.metric)} <Shown of={of.champion} /></span>
        <span><i class="challenger" /> challenger <Shown of={of.challenger} /></span>
      </p>
      <Gain of={of} />
    </section>
  );
}

function value(of: Known): number | undefined {
  return typeof of === "number" ? of : undefined;
}

function Shown({ of }: { of: Known }) {
  if (typeof of === "number") return <b>{number(of)}</b>;
  return <Unknown because={of?.because ?? "it is not in the record"} />;
}

/** Both figures on one line; the scale is the two with room around them. */
function Dumbbell({ champion, challenger }: { champion: number | undefined; challenger: number | undefined }) {
  if (champion === undefined || challenger === undefined) return null;
  const [low, high] = [Math.min(champion, challenger), Math.max(champion, challenger)];
  const room = Math.max((high - low) * 0.5, Math.abs(high) * 0.02, 1e-9);
  const x = (at: number) => 8 + ((at - low + room) / (high - low + 2 * room)) * 284;
  return (
    <svg class="dumbbell" viewBox="0 0 300 16" width="300" height="16" aria-hidden="true">
      <line class="axis" x1="0" x2="300" y1="8" y2="8" />
      <line class="bar" x1={x(champion)} x2={x(challenger)} y1="8" y2="8" />
      <circle class="champion" cx={x(champion)} cy="8" r="5" />
      <circle class="challenger" cx={x(challenger)} cy="8" r="5" />
    </svg>
  );
}

function Gain({ of }: { of: Comparison }) {
  if (typeof of.gain !== "number") return <p class="quiet">The gain is unknown: {cut(of.gain?.because ?? "it is not in the record", 200)}.</p>;
  const sure = of.gain_low !== undefined && of.gain_high !== undefined;
  const tone = of.gain > 0 ? "good" : of.gain < 0 ? "bad" : "";
  return (
    <p>
      <b class={tone}>
        {of.gain > 0 ? "+" : ""}
        {number(of.gain)}
      </b>{" "}
      {of.gain > 0 ? "better" : of.gain < 0 ? "worse" : "the same"}
      {sure ? (
        <span class="quiet">
          {" "}
          ({Math.round((of.level ?? 0.95) * 100)} %: {number(of.gain_low)} to {number(of.gain_high)}
          {(of.gain_low ?? 0) <= 0 && (of.gain_high ?? 0) >= 0 ? ", so it may be noise" : ""})
        </span>
      ) : (
        <span class="quiet" title={of.gain_interval_unknown}>
          {" "}
          (how sure that is, is unknown: {cut(of.gain_interval_unknown ?? "no interval", 120)})
        </span>
      )}
    </p>
  );
}
