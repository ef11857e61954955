/** show: drift by feature, worst first, with what each looked like and looks now. In: the judgement and the report. Out: a table; a row opens. */
import { useState } from "preact/hooks";

import { Histogram } from "./histogram";
import type { Drift, Report, ReportFeature, Side } from "./types";
import { Tag } from "../parts/basics";
import { number, percent, plural } from "../parts/number";
import { cut, oneLine, visible } from "../parts/text";

const WORDS: Record<string, { text: string; tone: "bad" | "warn" | "good" | "" }> = {
  drifted: { text: "drifted", tone: "bad" },
  "cannot be compared": { text: "cannot be compared", tone: "warn" },
  broken: { text: "broken", tone: "warn" },
  same: { text: "same", tone: "good" },
  unknown: { text: "unknown", tone: "" },
};

export function DriftTable({ drift, report, reportError }: { drift: Drift; report: Report | undefined; reportError?: string }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const features = report?.drift?.features ?? drift.features.map(fromJudgement).sort((a, b) => Number(b.verdict === "drifted") - Number(a.verdict === "drifted"));
  const small = new Set(drift.features.filter(sureButSmall).map((one) => one.name));
  const toggle = (name: string) => {
    const next = new Set(open);
    if (!next.delete(name)) next.add(name);
    setOpen(next);
  };
  return (
    <>
      <p class="quiet">
        {plural(drift.drifted_features, "feature")} of {drift.judged_features} drifted ({percent(drift.share)}); the newest {drift.rows} rows against {drift.reference_rows} of the reference.
        {drift.approximate && " The reference is a profile, so this is approximate."} <span class="key-ref" /> reference <span class="key-cur" /> now
      </p>
      {reportError && <p class="quiet">Without pictures: {cut(reportError, 300)}</p>}
      <div class="wide" tabIndex={0}>
        <table class="drift stack">
          <caption class="unseen">Drift by feature, worst first</caption>
          <thead>
            <tr>
              <th>Feature</th>
              <th>Verdict</th>
              <th>Then and now</th>
              <th title="the share of rows that lie elsewhere">Moved</th>
              <th class="num">Score</th>
              <th>Test</th>
              <th>In numbers</th>
            </tr>
          </thead>
          <tbody>
            {features.map((feature) => [
              <tr key={feature.name} class={feature.verdict}>
                <td data-title="Feature">
                  <button type="button" class="plain" aria-expanded={open.has(feature.name)} onClick={() => toggle(feature.name)}>
                    <span aria-hidden="true">{open.has(feature.name) ? "▾" : "▸"}</span> <b><bdi>{oneLine(cut(feature.name, 80))}</bdi></b>
                  </button>
                </td>
                <td data-title="Verdict">
                  <Tag tone={WORDS[feature.verdict]?.tone ?? ""} title={feature.error ?? undefined}>
                    {WORDS[feature.verdict]?.text ?? feature.verdict}
                  </Tag>
                  {small.has(feature.name) && <small class="quiet" title="It is no chance, as its score is below its line; but too few rows lie elsewhere for it to matter."> sure, but small</small>}
                </td>
                <td data-title="Then and now">
                  <Histogram feature={feature} />
                </td>
                <td data-title="Moved">{feature.moved !== null && <Moved share={feature.moved} />}</td>
                <td data-title="Score" class="num nowrap">{feature.score === null ? "–" : number(feature.score)}{feature.threshold !== null && <small> line {number(feature.threshold)}</small>}</td>
                <td data-title="Test">
                  <small>{feature.test ?? cut(feature.error ?? "none", 80)}</small>
                </td>
                <td data-title="In numbers">
                  <small>{inNumbers(feature)}</small>
                </td>
              </tr>,
              open.has(feature.name) && (
                <tr key={`${feature.name} more`} class="detail">
                  <td colSpan={7}>
                    <div class="drift-detail">
                      <Histogram feature={feature} width={420} height={140} large />
                      <Facts feature={feature} />
                    </div>
                  </td>
                </tr>
              ),
            ])}
          </tbody>
        </table>
      </div>
      {drift.prediction && (
        <p>
          What the model says itself {drift.prediction.drifted ? <b class="bad">has drifted too</b> : drift.prediction.drifted === null ? "could not be compared" : "has not drifted"}
          {drift.prediction.effect !== null && `: ${percent(drift.prediction.effect)} of the predictions lie elsewhere`}.
        </p>
      )}
    </>
  );
}

/** Below its line and yet no drift: significance alone is none, it takes an effect too. Scores of tests without a probability grow with the distance, so they have no such case. */
function sureButSmall(one: Drift["features"][number]): boolean {
  return one.drifted === false && one.p_value !== null && one.score !== null && one.threshold !== null && one.score < one.threshold;
}

function fromJudgement(one: Drift["features"][number]): ReportFeature {
  const verdict = one.drifted === null || one.error ? "unknown" : one.drifted ? "drifted" : "same";
  return { name: one.name, verdict, type: one.kind, test: one.test, score: one.score, threshold: one.threshold, moved: one.effect, error: one.error, reference: null, current: null, distribution: null };
}

function Moved({ share }: { share: number }) {
  return (
    <span class="moved" title={`${percent(share)} of the rows lie elsewhere`}>
      <svg width="60" height="6" viewBox="0 0 60 6" aria-hidden="true">
        <rect class="meter-all" width="60" height="6" rx="3" />
        <rect class="meter-part" width={Math.max(0, Math.min(1, share)) * 60} height="6" rx="3" />
      </svg>
      <small>{percent(share)}</small>
    </span>
  );
}

function inNumbers({ reference, current }: ReportFeature): string {
  if (!reference || !current) return "";
  if (typeof reference.median === "number" && typeof current.median === "number") return `middle ${number(reference.median)} → ${number(current.median)}`;
  if (reference.values !== undefined && current.values !== undefined) return `${plural(reference.values, "value")} → ${current.values}`;
  return "";
}

function Facts({ feature }: { feature: ReportFeature }) {
  const side = (name: string, of: Side | null) => (
    <tr>
      <th scope="row">{name}</th>
      <td class="num">{of?.rows ?? "–"}</td>
      <td class="num">{of ? of.missing : "–"}</td>
      <td class="num">{typeof of?.p05 === "number" ? number(of.p05) : "–"}</td>
      <td class="num">{typeof of?.median === "number" ? number(of.median) : "–"}</td>
      <td class="num">{typeof of?.p95 === "number" ? number(of.p95) : "–"}</td>
    </tr>
  );
  return (
    <div>
      <table class="drift-facts">
        <caption class="unseen">Facts</caption>
        <thead>
          <tr>
            <th />
            <th class="num">rows</th>
            <th class="num">missing</th>
            <th class="num">5 %</th>
            <th class="num">middle</th>
            <th class="num">95 %</th>
          </tr>
        </thead>
        <tbody>
          {side("reference", feature.reference)}
          {side("now", feature.current)}
        </tbody>
      </table>
      {feature.error && <p class="warn">{visible(cut(feature.error, 400))}</p>}
    </div>
  );
}
