/** show: every model that is watched, one card each. In: the list, each model's judgement, its record. Out: verdict, headline, drift, challenger, age. */
import { get, prom, useAsked } from "../api";
import { storedSeconds } from "../overview";
import { href } from "../router";
import type { PageProps } from "../routes";
import { Ago, Empty, ErrorLine, FigureText, Loading, Tag, Unknown } from "../parts/basics";
import { number, percent, plural } from "../parts/number";
import { cut, visible } from "../parts/text";
import { duration } from "../parts/time";
import { Spark } from "../parts/charts";
import { rangeTo } from "../query/grid";
import { inTurn, queryRange } from "../query/series";
import { becameOf } from "../models/names";
import { championOf, comparisons, figureSelector, figuresOf, headline, metricName, OUTCOMES, toneOfOutcome } from "../models/shared";
import { isUnknown, type Entry, type Model } from "../models/types";
import "../models/models.css";

const TURN_MS = 5000;
const MODELS_MAX = 60;

export default function Models(_: PageProps) {
  const list = useAsked((abort) => prom<{ name: string }[]>("models", {}, abort), "models", TURN_MS);
  const names = (list.data ?? []).map((model) => model.name);
  return (
    <>
      <h1>Models</h1>
      <ErrorLine error={list.error} again={list.again} />
      {!list.data && !list.error && <Loading />}
      {list.data && names.length === 0 && (
        <Empty
          title="No model is watched yet"
          because="bellbuoy.yml names none."
          todo="Name a model and the data it was trained on, then post its predictions, and later the true values."
          snippet={{ language: "yaml", text: "models:\n  - name: my-model\n    target: price\n    reference: training.csv\n" }}
        />
      )}
      <div class="model-cards">
        {names.slice(0, MODELS_MAX).map((name) => (
          <Card key={name} name={name} />
        ))}
      </div>
      {names.length > MODELS_MAX && <p class="quiet">and {names.length - MODELS_MAX} more</p>}
    </>
  );
}

function Card({ name }: { name: string }) {
  const asked = useAsked((abort) => inTurn(() => prom<Model>(`models/${encodeURIComponent(name)}`, {}, abort), abort), `model ${name}`, TURN_MS);
  const record = useAsked((abort) => inTurn(() => get<Entry[]>("api/bellbuoy/audit", { model: name, limit: 200 }, abort), abort), `record ${name}`, TURN_MS * 2);
  const model = asked.data;
  const window = model && championOf(model);
  const decision = model?.judgement?.decision;
  const { figures, unknown } = figuresOf(window);
  const head = headline(figures, decision);
  const [versus] = comparisons(record.data ?? []);
  return (
    <article class={`model-card card ${toneOfOutcome(decision?.outcome ?? "")}-edge`}>
      <header>
        <h2>
          <a href={href(["models", name])}>{cut(name, 100)}</a> <small>{model?.kind}</small>
        </h2>
        {decision ? (
          <Tag tone={toneOfOutcome(decision.outcome)} title={OUTCOMES[decision.outcome]}>
            {decision.outcome}
          </Tag>
        ) : (
          model && <Unknown because="it was not judged yet" word="not judged" />
        )}
      </header>
      <ErrorLine error={asked.error} />
      {!model && !asked.error && <Loading />}
      {decision && <p class="model-because">{visible(cut(decision.because, 240))}</p>}
      {model && (
        <dl class="model-figures">
          <div>
            <dt>{head ? metricName(head.metric) : "Performance"}</dt>
            <dd>
              {head?.value !== undefined ? <b>{number(head.value)}</b> : <Unknown because={head?.unknown?.because ?? unknown?.because ?? "no figure"} />}
              {head?.low !== undefined && <small> {number(head.low)} to {number(head.high)}</small>}
              {head && window && <Past model={name} metric={head.metric} window={window.window} />}
            </dd>
          </div>
          <div>
            <dt>Drift</dt>
            <dd>
              {!window ? <Unknown because="it was not judged yet" /> : isUnknown(window.drift) ? <Unknown because={window.drift.unknown.because} /> : (
                <>
                  <b class={window.drift.detected ? "bad" : ""}>{percent(window.drift.share)}</b> <small>{window.drift.drifted_features} of {plural(window.drift.judged_features, "feature")}</small>
                </>
              )}
            </dd>
          </div>
          <div>
            <dt>Last challenger</dt>
            <dd>
              {versus ? (
                <>
                  <Tag tone={toneOfOutcome(versus.decision ?? versus.outcome ?? "")}>{versus.decision ?? versus.outcome}</Tag>{" "}
                  <small>{typeof versus.current?.gain === "number" ? `${versus.current.gain > 0 ? "+" : ""}${number(versus.current.gain)} ${metricName(versus.current.metric)}` : ""}</small>
                </>
              ) : (
                <span class="quiet">{model.lastChallenger ? <>{becameOf(model.lastChallenger)} <Ago at={model.lastChallenger.at} /></> : "none yet"}</span>
              )}
            </dd>
          </div>
          <div>
            <dt>Predictions</dt>
            <dd>
              {model.traffic ? <FigureText of={model.traffic.rate} as={(rate) => `${number(rate)} /s`} /> : plural(Object.values(model.rows).reduce((a, b) => a + b, 0), "row")}
              {model.traffic?.latencyP95.value !== undefined && <small> p95 {duration(model.traffic.latencyP95.value)}</small>}
            </dd>
          </div>
          <div>
            <dt>Judged</dt>
            <dd>
              <Ago at={model.judgedAt} />
            </dd>
          </div>
        </dl>
      )}
    </article>
  );
}

function Past({ model, metric, window }: { model: string; metric: string; window: string }) {
  const selector = figureSelector(model, metric, window);
  const asked = useAsked((abort) => queryRange(selector, rangeTo(Date.now() / 1000, storedSeconds(900), 60), 30, abort), `past ${selector}`, 15_000);
  const series = asked.data?.series.find(({ labels }) => labels.role === "champion" && labels.__name__?.endsWith("model_figure")) ?? asked.data?.series[0];
  return series ? <Spark values={series.values} of={`${metricName(metric)} in the last minutes`} width={120} /> : null;
}
