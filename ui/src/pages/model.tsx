/**
 * show: the scorecard of a model: the decision, performance over time, champion against challenger, drift by feature, data quality, what was
 * decided and why, versions in the registry. In: the model, its report, its record. What is unknown says why.
 */
import { get, prom, send, useAsked } from "../api";
import { place, root, setQuery } from "../router";
import type { PageProps } from "../routes";
import { Ago, Empty, ErrorLine, FigureText, Loading, Tag, Unknown } from "../parts/basics";
import { Doing } from "../parts/controls";
import { count, number, percent, plural } from "../parts/number";
import { cut, oneLine, visible } from "../parts/text";
import { duration } from "../parts/time";
import { Decisions, Inputs } from "../models/decisions";
import { DriftTable } from "../models/drift";
import { Performance } from "../models/performance";
import { championOf, comparisons, figuresOf, headline, lessIsBetter, metricName, OUTCOMES, toneOfOutcome } from "../models/shared";
import { isUnknown, type Entry, type Finding, type Model, type Report, type WindowJudgement } from "../models/types";
import type { NotKnown } from "../shapes";
import { Versions } from "../models/versions";
import { Versus } from "../models/versus";
import "../alerts/alert.css";
import "../models/models.css";

const TURN_MS = 5000;
const RECORD_ROWS = 400;

export default function ModelPage({ params }: PageProps) {
  const name = params.name ?? "";
  const path = `models/${encodeURIComponent(name)}`;
  const wished = place.value.query.get("window") ?? undefined;
  const asked = useAsked((abort) => prom<Model>(path, {}, abort), path, TURN_MS);
  const record = useAsked((abort) => get<Entry[]>("api/bellbuoy/audit", { model: name, limit: RECORD_ROWS }, abort), `record ${name}`, TURN_MS);
  const report = useAsked((abort) => prom<Report>(`${path}/report`, { format: "json", window: wished }, abort), `report ${name} ${wished}`, TURN_MS * 2);
  const model = asked.data;
  if (!model) return asked.error ? <Empty title={asked.error.status === 404 ? "No such model" : "Not known"} because={visible(cut(asked.error.message, 300))} /> : <Loading />;
  const windows = model.judgement?.windows ?? [];
  const window = windows.find((one) => one.window === wished && one.role === "champion") ?? championOf(model);
  const decision = model.judgement?.decision;
  const { figures, unknown } = figuresOf(window);
  const metric = place.value.query.get("metric") ?? headline(figures, decision)?.metric ?? (model.kind === "classification" ? "balanced_accuracy" : "r2");
  const entries = record.data ?? [];
  return (
    <>
      <header class="alert-head">
        <h1>
          {cut(name, 120)} <small>{model.kind}, predicts {cut(model.target, 60)}</small>
        </h1>
        <span class="alert-acts">
          <Doing
            label="Judge now"
            act={async () => {
              await send("POST", `api/v1/${path}/judge`);
              asked.again();
              return "judged";
            }}
          />
          <a class="button" href={`${root}api/v1/${path}/report`} target="_blank" rel="noopener">
            Report
          </a>
        </span>
      </header>
      <ErrorLine error={asked.error} again={asked.again} />
      {decision ? (
        <section class={`verdict tone-${toneOfOutcome(decision.outcome) || "none"}`} aria-label="Decision">
          <b class="verdict-word">{decision.outcome}</b>
          <div>
            <p>
              {OUTCOMES[decision.outcome] && <>{sentence(OUTCOMES[decision.outcome] ?? "")}: </>}
              {visible(cut(decision.because, 500))}.
            </p>
            <Inputs of={decision.inputs} /> <small>judged <Ago at={model.judgedAt} />{decision.rule ? ` by rule ${cut(decision.rule, 60)}` : ""}</small>
          </div>
        </section>
      ) : (
        <Empty title="Not judged yet" because="It is judged when there are enough predictions; a reference and rows are all it takes." />
      )}
      {model.windows.length > 1 && (
        <p class="bar seg" role="group" aria-label="Window">
          {model.windows.map((one) => (
            <button key={one} type="button" class="small" aria-pressed={one === window?.window} onClick={() => setQuery({ window: one === model.windows[0] ? undefined : one })}>
              {oneLine(cut(one, 60))}
            </button>
          ))}
        </p>
      )}
      <Tiles model={model} window={window} unknown={unknown?.because} />
      <h2>Performance over time</h2>
      {window ? <Performance model={name} window={window.window} figures={figures} metric={metric} report={report.data} entries={entries} /> : <p class="quiet">Nothing was judged yet.</p>}
      {unknown && <p class="quiet">Performance is unknown now: {visible(cut(unknown.because, 300))}.</p>}
      <h2>Champion against challenger</h2>
      <ErrorLine error={record.error} what="Record" />
      <Roles windows={windows} window={window?.window} />
      {record.data && <Versus entries={comparisons(entries)} last={model.lastChallenger} />}
      <h2>Drift by feature</h2>
      {!window ? <p class="quiet">Nothing was judged yet.</p> : isUnknown(window.drift) ? <p>Drift is unknown: {visible(cut(window.drift.unknown.because, 400))}.</p> : <DriftTable drift={window.drift} report={report.data} reportError={report.error?.message} />}
      <h2>Data quality</h2>
      <Quality of={window?.quality} />
      <h2>Decisions</h2>
      {record.data && <Decisions entries={entries} />}
      <h2>Versions in the registry</h2>
      <Versions of={model.registry} />
    </>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const TILES = ["r2", "rmse", "mae", "balanced_accuracy", "accuracy", "f1", "roc_auc"];

function Tiles({ model, window, unknown }: { model: Model; window: WindowJudgement | undefined; unknown: string | undefined }) {
  const { figures } = figuresOf(window);
  const shown = TILES.flatMap((metric) => figures.filter((figure) => figure.metric === metric && !figure.estimated)).slice(0, 3);
  const estimated = window?.estimates && !isUnknown(window.estimates) ? (window.estimates.figures ?? []).slice(0, 1) : [];
  return (
    <div class="tiles">
      {shown.length === 0 && (
        <section class="card tile">
          <h2>Performance</h2>
          <Unknown because={unknown ?? "no figure"} />
        </section>
      )}
      {[...shown, ...estimated].map((figure) => (
        <section key={`${figure.metric}${figure.source}`} class="card tile">
          <h2>
            {metricName(figure.metric)} <small>{figure.estimated ? "estimated, before true values" : lessIsBetter(figure.metric) ? "less is better" : ""}</small>
          </h2>
          {figure.value !== undefined ? <b>{number(figure.value)}</b> : <Unknown because={figure.unknown?.because ?? "no value"} />}
          <small>{figure.low !== undefined ? `${Math.round((figure.level ?? 0.95) * 100)} %: ${number(figure.low)} to ${number(figure.high)}` : figure.rows ? `over ${plural(figure.rows, "row")}` : ""}</small>
        </section>
      ))}
      <section class="card tile">
        <h2>Drift</h2>
        {!window ? <Unknown because="not judged yet" /> : isUnknown(window.drift) ? <Unknown because={window.drift.unknown.because} /> : (
          <>
            <b class={window.drift.detected ? "bad" : ""}>{percent(window.drift.share)}</b>
            <small>
              {window.drift.drifted_features} of {plural(window.drift.judged_features, "feature")}
            </small>
          </>
        )}
      </section>
      <section class="card tile">
        <h2>Data</h2>
        {!window ? <Unknown because="not judged yet" /> : isUnknown(window.quality) ? <Unknown because={window.quality.unknown.because} /> : <b class={window.quality.length > 0 ? "warn" : "good"}>{window.quality.length === 0 ? "fine" : plural(window.quality.length, "finding")}</b>}
        <small>{window ? `${plural(window.rows, "row")}, ${count(window.true_values)} with a true value` : ""}</small>
      </section>
      <section class="card tile">
        <h2>Traffic</h2>
        {model.traffic ? (
          <>
            <b>
              <FigureText of={model.traffic.rate} as={(rate) => `${number(rate)} /s`} />
            </b>
            <small>
              p95 <FigureText of={model.traffic.latencyP95} as={duration} />, newest <Ago at={model.traffic.lastReceivedAt} />
            </small>
          </>
        ) : (
          <>
            <b>{count(Object.values(model.rows).reduce((a, b) => a + b, 0))}</b>
            <small>rows kept</small>
          </>
        )}
      </section>
    </div>
  );
}

/** Roles that both predict now: a challenger in the shadow of the champion. */
function Roles({ windows, window }: { windows: WindowJudgement[]; window: string | undefined }) {
  const roles = windows.filter((one) => one.window === window);
  if (roles.length < 2) return null;
  const metrics = [...new Set(roles.flatMap((role) => figuresOf(role).figures.filter((figure) => TILES.includes(figure.metric) && !figure.estimated).map((figure) => figure.metric)))];
  return (
    <div class="wide" tabIndex={0}>
      <table>
        <caption class="unseen">Roles on the rows of now</caption>
        <thead>
          <tr>
            <th>On the rows of now</th>
            {metrics.map((metric) => (
              <th key={metric} class="num">{metricName(metric)}</th>
            ))}
            <th class="num">Rows</th>
          </tr>
        </thead>
        <tbody>
          {roles.map((role) => (
            <tr key={role.role}>
              <td>
                <b>{oneLine(cut(role.role, 60))}</b>
              </td>
              {metrics.map((metric) => {
                const figure = figuresOf(role).figures.find((one) => one.metric === metric && !one.estimated);
                return (
                  <td key={metric} class="num">
                    {figure?.value !== undefined ? number(figure.value) : <Unknown because={figure?.unknown?.because ?? figuresOf(role).unknown?.because ?? "no figure"} />}
                    {figure?.low !== undefined && <small> {number(figure.low)} to {number(figure.high)}</small>}
                  </td>
                );
              })}
              <td class="num">{count(role.true_values)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const DEFECTS: Record<string, string> = { constant: "stands still", new_values: "new values", lost_values: "lost values", missing: "missing", range: "out of range", infinite: "infinite", repeated: "repeated rows", rows: "rows", age: "too old", type: "another type" };

function Quality({ of }: { of: Finding[] | NotKnown | undefined }) {
  if (!of) return <p class="quiet">Nothing was judged yet.</p>;
  if (isUnknown(of)) return <p>Quality is unknown: {visible(cut(of.unknown.because, 400))}.</p>;
  if (of.length === 0) return <p class="good">Nothing is wrong with the rows of this window.</p>;
  return (
    <ul class="quality">
      {of.slice(0, 60).map((finding, index) => (
        <li key={index}>
          <Tag tone="warn">{DEFECTS[finding.defect] ?? finding.defect.replaceAll("_", " ")}</Tag> {(finding.feature ?? finding.column) && <b><bdi>{oneLine(cut(finding.feature ?? finding.column ?? "", 60))}</bdi></b>}{" "}
          <span dir="auto">{visible(cut(finding.text, 300))}</span>
        </li>
      ))}
      {of.length > 60 && <li class="quiet">and {of.length - 60} more</li>}
    </ul>
  );
}
