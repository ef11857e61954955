/**
 * show: why an alert fired, or did not, or did not arrive. In: the explanation of the server (docs/formats/explain.md). Out: the expression with
 * the part that decided, then the path as a chain: each step with its sentence, its count, its chart, what comes close to it.
 */
import { useState } from "preact/hooks";

import { MiniChart } from "./minichart";
import { pieceOf } from "./place";
import type { Explanation, ExplainInstance, ExplainStep } from "./types";
import { At, Copy, State, Tag } from "../parts/basics";
import { Labels } from "../parts/labels";
import { number, plural } from "../parts/number";
import { cut, oneLine, visible } from "../parts/text";
import { brief } from "../parts/time";
import { localTimes } from "./words";
import { href } from "../router";

const PHASES: [string, string[]][] = [
  ["The expression", ["selector", "samples", "operator", "comparison"]],
  ["The rule", ["for", "keep_firing_for"]],
  ["Who may hush it", ["inhibition", "silence", "mute"]],
  ["The way to you", ["route", "receiver", "delivery"]],
];

/** What a kind of step is, for who sees it for the first time. */
const KINDS: Record<string, string> = {
  selector: "which series are meant",
  samples: "whether they have a value at that time",
  operator: "what is computed from them",
  comparison: "which values are beyond the line",
  for: "how long it must hold before it fires",
  keep_firing_for: "how long it goes on after the condition ended",
  inhibition: "whether a worse alert hushes it",
  silence: "whether somebody silenced it",
  mute: "whether it is a time when nobody is told",
  route: "which branch of the routing tree takes it",
  receiver: "who that is",
  delivery: "what the service answered",
};

export function Verdict({ of }: { of: Explanation }) {
  const stopped = of.stoppedAt === null ? undefined : of.steps[of.stoppedAt];
  // A rule that finds nothing to compare does not say that all is well.
  const blind = of.state === "inactive" && (stopped?.kind === "selector" || stopped?.kind === "samples");
  const tone = of.state === "firing" || of.state === "holds" ? "bad" : of.state === "pending" || of.state === "unknown" || blind ? "warn" : "good";
  return (
    <section class={`verdict tone-${tone}`} aria-label="Verdict">
      <b class="verdict-word">{blind ? "no data" : of.state}</b>
      <p dir="auto">{visible(localTimes(cut(of.verdict, 1500), of.at))}</p>
    </section>
  );
}

export function Why({ of }: { of: Explanation }) {
  const [hovered, setHovered] = useState<number>();
  const shown = hovered !== undefined ? of.steps[hovered] : of.stoppedAt !== null ? of.steps[of.stoppedAt] : undefined;
  const known = PHASES.map(([title, kinds]) => ({ title, steps: of.steps.map((step, index) => ({ step, index })).filter(({ step }) => kinds.includes(step.kind)) }));
  const others = of.steps.map((step, index) => ({ step, index })).filter(({ step }) => !PHASES.some(([, kinds]) => kinds.includes(step.kind)));
  return (
    <div class="why">
      <Expression text={of.expr} place={shown?.place ?? null} state={shown?.state} />
      {[...known, { title: "More", steps: others }]
        .filter(({ steps }) => steps.length > 0)
        .map(({ title, steps }) => (
          <section key={title} class="why-phase">
            <h3>{title}</h3>
            <ol>
              {steps.map(({ step, index }) => (
                <Step key={index} step={step} at={of.at} open={index === of.stoppedAt} decided={index === of.stoppedAt} hover={(on) => setHovered(on && step.place ? index : undefined)} />
              ))}
            </ol>
          </section>
        ))}
      {of.instances.length > 0 && (
        <section class="why-phase">
          <h3>
            {plural(of.instances.length, "alert")} of this rule {of.instancesOmitted > 0 && <small>and {of.instancesOmitted} more</small>}
          </h3>
          {of.instances.map((instance, index) => (
            <Instance key={index} instance={instance} open={of.instances.length <= 2} />
          ))}
        </section>
      )}
    </div>
  );
}

function Expression({ text, place, state }: { text: string; place: [number, number] | null; state: string | undefined }) {
  const [before, part, after] = place ? pieceOf(text, place) : [text, "", ""];
  return (
    <div class="why-expr">
      <pre tabIndex={0} aria-label="expression">
        {visible(before)}
        {part && <mark class={state}>{visible(part)}</mark>}
        {visible(after)}
      </pre>
      <span class="why-expr-acts">
        <Copy text={text} /> <a class="button small" href={href("query", { "g0.expr": text, "g0.tab": "0" })}>Open as query</a>
      </span>
    </div>
  );
}

const MARKS = { passed: "✓", stopped: "✕", unknown: "?", skipped: "·" };
const SAID = { passed: "passed", stopped: "stopped here", unknown: "not known", skipped: "not reached" };

function Step({ step, at, open, decided, hover }: { step: ExplainStep; at: string; open: boolean; decided: boolean; hover: (on: boolean) => void }) {
  const more = step.rows.length > 0;
  const [shown, setShown] = useState(open);
  return (
    <li class={`why-step ${step.state} ${decided ? "decided" : ""}`} onMouseEnter={() => hover(true)} onMouseLeave={() => hover(false)} onFocus={() => hover(true)} onBlur={() => hover(false)}>
      <span class="why-mark" title={SAID[step.state]}>
        <span aria-hidden="true">{MARKS[step.state]}</span>
        <span class="unseen">{SAID[step.state]}</span>
      </span>
      <div class="why-body">
        <div class="why-line">
          <span class="why-kind" title={KINDS[step.kind]}>
            {step.kind.replaceAll("_", " ")}
          </span>
          <span class="why-title" data-depth={Math.min(step.depth, 6)}>
            {step.depth > 0 || step.place ? <code>{oneLine(cut(step.title, 240))}</code> : <b>{oneLine(cut(step.title, 240))}</b>}
          </span>
          {step.count !== null && <b class="why-count num">{step.count.toLocaleString("en-GB")}</b>}
        </div>
        <p class="why-text" dir="auto">
          {visible(localTimes(cut(step.text, 1000), at))}
          {more && (
            <button type="button" class="link" aria-expanded={shown} onClick={() => setShown(!shown)}>
              {shown ? "hide" : `show ${step.rows.length}${step.rowsOmitted > 0 ? ` of ${step.rows.length + step.rowsOmitted}` : ""}`}
            </button>
          )}
        </p>
        {step.nearest.length > 0 && (
          <ul class="why-near">
            {step.nearest.map((near, index) => (
              <li key={index}>
                {visible(localTimes(cut(near.text, 500), at))}
                {near.suggestion && (
                  <>
                    {" "}
                    → <code>{oneLine(cut(near.suggestion, 300))}</code> <Copy text={near.suggestion} />
                  </>
                )}
                {near.labels && <Labels of={near.labels} />}
              </li>
            ))}
          </ul>
        )}
        {shown && more && <Rows step={step} />}
      </div>
      {step.chart && (
        <div class="why-chart">
          <MiniChart chart={step.chart} of={cut(step.title, 80)} />
        </div>
      )}
    </li>
  );
}

function Rows({ step }: { step: ExplainStep }) {
  return (
    <div class="wide" tabIndex={0}>
    <table class="why-rows">
      <caption class="unseen">What {step.kind} has</caption>
      <tbody>
        {step.rows.map((row, index) => (
          <tr key={index}>
            <td class="why-pass">{row.passes === null ? "" : row.passes ? "✓" : "✕"}<span class="unseen">{row.passes === null ? "" : row.passes ? "passes" : "does not pass"}</span></td>
            <td>
              <Labels of={row.labels} max={10} />
            </td>
            <td class="num nowrap">{row.value !== null && <b>{shown(row.value)}</b>} {row.threshold !== null && <span class="quiet">{row.op} {shown(row.threshold)}</span>}</td>
            <td>
              {row.note && <span class="quiet">{visible(cut(row.note, 300))}</span>} {row.at && <span class="quiet">{brief(row.at)}</span>}
            </td>
          </tr>
        ))}
        {step.rowsOmitted > 0 && (
          <tr>
            <td colSpan={4} class="quiet">
              and {step.rowsOmitted} more
            </td>
          </tr>
        )}
      </tbody>
    </table>
    </div>
  );
}

function shown(text: string): string {
  const value = Number(text);
  return text === "NaN" || text.endsWith("Inf") || Number.isNaN(value) ? text : number(value);
}

function Instance({ instance, open }: { instance: ExplainInstance; open: boolean }) {
  const quiet = [
    ...instance.silencedBy.map((silence) => `silenced by ${silence.createdBy || "someone"} until ${brief(silence.endsAt)}${silence.comment ? `: ${silence.comment}` : ""}`),
    ...instance.inhibitedBy.map((labels) => `inhibited by ${labels.alertname ?? "another alert"}`),
    ...instance.mutedBy.map((name) => `muted by the time interval ${name}`),
  ];
  return (
    <details class="why-instance" open={open}>
      <summary>
        <State of={instance.state} /> <b class="num">{shown(instance.value)}</b> <Labels of={instance.labels} omit={["alertname"]} max={8} />
        <small>
          {" "}
          holds since {brief(instance.activeAt)}
          {instance.firesAt && `, fires at ${brief(instance.firesAt)}`}
        </small>
      </summary>
      {quiet.map((text, index) => (
        <p key={index} class="warn">
          {visible(cut(text, 400))}
        </p>
      ))}
      <p class="quiet">{instance.receivers.length > 0 ? `Goes to ${instance.receivers.map((name) => cut(name, 60)).join(", ")}.` : "Goes to nobody."}</p>
      {instance.deliveries.length > 0 && (
        <div class="wide" tabIndex={0}>
          <Deliveries of={instance.deliveries} />
        </div>
      )}
    </details>
  );
}

function Deliveries({ of }: { of: ExplainInstance["deliveries"] }) {
  return (
    <table>
      <caption class="unseen">Deliveries</caption>
      <thead>
        <tr>
          <th>When</th>
          <th>To</th>
          <th>What became of it</th>
          <th>Answer</th>
        </tr>
      </thead>
      <tbody>
        {of.map((delivery, index) => (
          <tr key={index}>
            <td class="nowrap">
              <At at={delivery.at} />
            </td>
            <td>
              {visible(cut(delivery.receiver, 80))} <small>{cut(delivery.integration, 40)}</small>
            </td>
            <td>
              <State of={delivery.status} /> <small>{cut(delivery.reason, 100)}{delivery.attempts > 1 ? `, ${plural(delivery.attempts, "attempt")}` : ""}</small>
            </td>
            <td>{visible(cut(delivery.answer, 300))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Alternatives({ of }: { of: Explanation["alternatives"] }) {
  if (of.length === 0) return null;
  return (
    <p class="quiet">
      Other rules have this name too:{" "}
      {of.slice(0, 8).map((rule, index) => (
        <span key={index}>
          {rule.group} <Tag>{rule.state}</Tag>{" "}
        </span>
      ))}
    </p>
  );
}

