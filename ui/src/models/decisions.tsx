/** show: what was decided about a model, why, and from which figures. In: the audit record, newest first. Out: a table that filters by kind. */
import { useState } from "preact/hooks";

import { metricName, OUTCOMES, toneOfOutcome } from "./shared";
import type { Entry, Input } from "./types";
import { At, Tag, Unknown } from "../parts/basics";
import { number, percent, plural } from "../parts/number";
import { cut, visible } from "../parts/text";
import { place, setQuery } from "../router";

const ROWS = 15;
const KINDS: Record<string, string> = { decision: "retrain?", training_success: "training, deploy?", training_failure: "training failed", deployment: "deploy?", drift: "drift", performance: "performance" };

export function Decisions({ entries }: { entries: Entry[] }) {
  const kinds = [...new Set(entries.map((entry) => entry.event))];
  const chosen = place.value.query.get("event");
  const [pages, setPages] = useState(1);
  // What was found is above; here is what was made of it.
  const shown = chosen === "all" ? entries : entries.filter((entry) => (chosen ? entry.event === chosen : entry.event !== "drift" && entry.event !== "performance"));
  if (entries.length === 0) return <p class="quiet">Nothing was decided yet.</p>;
  return (
    <>
      <p class="bar seg" role="group" aria-label="Kinds">
        <button type="button" class="small" aria-pressed={!chosen} onClick={() => setQuery({ event: undefined })}>
          decisions
        </button>
        <button type="button" class="small" aria-pressed={chosen === "all"} onClick={() => setQuery({ event: "all" })}>
          all {entries.length}
        </button>
        {kinds.map((kind) => (
          <button key={kind} type="button" class="small" aria-pressed={chosen === kind} onClick={() => setQuery({ event: chosen === kind ? undefined : kind })}>
            {KINDS[kind] ?? kind.replaceAll("_", " ")} {entries.filter((entry) => entry.event === kind).length}
          </button>
        ))}
      </p>
      <div class="wide" tabIndex={0}>
        <table class="stack decisions">
          <caption class="unseen">Decisions, newest first</caption>
          <thead>
            <tr>
              <th>When</th>
              <th>About</th>
              <th>Outcome</th>
              <th>Because</th>
              <th>From these figures</th>
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, pages * ROWS).map((entry, index) => {
              const outcome = entry.decision ?? entry.outcome ?? "";
              return (
                <tr key={index}>
                  <td data-title="When" class="nowrap">
                    <At at={entry.at} />
                  </td>
                  <td data-title="About">{KINDS[entry.event] ?? entry.event.replaceAll("_", " ")}</td>
                  <td data-title="Outcome">
                    {outcome && (
                      <Tag tone={toneOfOutcome(outcome)} title={OUTCOMES[outcome]}>
                        {cut(outcome, 40)}
                      </Tag>
                    )}
                  </td>
                  <td data-title="Because" dir="auto">
                    {visible(cut(entry.because ?? entry.error ?? (entry.drift_share !== undefined ? `${percent(entry.drift_share)} of the features drifted` : ""), 400))}
                    {entry.rule && <small> by rule {cut(entry.rule, 60)}</small>}
                  </td>
                  <td data-title="Figures">
                    <Inputs of={entry.inputs} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {shown.length > pages * ROWS && (
        <p>
          <button type="button" onClick={() => setPages(pages + 1)}>
            Show {Math.min(ROWS, shown.length - pages * ROWS)} more of {shown.length - pages * ROWS}
          </button>
        </p>
      )}
    </>
  );
}

export function Inputs({ of }: { of: Record<string, Input> | undefined }) {
  if (!of) return null;
  return (
    <span class="inputs">
      {Object.entries(of).map(([name, input]) => (
        <span key={name} class="input" title={input.rows !== undefined ? `over ${plural(input.rows, "row")}` : undefined}>
          {metricName(name)} <b>{input.value !== undefined ? (name === "drift_share" ? percent(input.value) : name === "drift_detected" ? (input.value ? "yes" : "no") : number(input.value)) : <Unknown because={input.unknown?.because ?? "no value"} />}</b>
        </span>
      ))}
    </span>
  );
}
