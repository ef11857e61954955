/** show: why a target is dropped, or named as it is: its relabelling step by step. In: its pool and the labels it was found with. */
import { prom, useAsked } from "../api";
import { ErrorLine, Loading, Tag } from "../parts/basics";
import { Label, Labels } from "../parts/labels";
import type { Labels as LabelSet, RelabelStep } from "../shapes";
import { changes, inWords, type Change } from "./steps";

export function RelabelSteps({ pool, labels }: { pool: string; labels: LabelSet }) {
  const asked = useAsked(
    (abort) => prom<{ steps: RelabelStep[] }>("targets/relabel_steps", { scrapePool: pool, labels: JSON.stringify(labels) }, abort),
    `${pool} ${JSON.stringify(labels)}`,
  );
  return (
    <div class="relabel">
      <h3>Found as</h3>
      <Labels of={labels} max={40} />
      <h3>Relabelling</h3>
      <ErrorLine error={asked.error} again={asked.again} />
      {!asked.data && asked.loading && <Loading />}
      {asked.data && asked.data.steps.length === 0 && <p class="quiet">The job has no relabel_configs: the target is asked as it was found.</p>}
      {asked.data && <ol>{asked.data.steps.map((step, index) => <Step key={index} step={step} before={index === 0 ? labels : (asked.data?.steps[index - 1]?.output ?? {})} />)}</ol>}
    </div>
  );
}

function Step({ step, before }: { step: RelabelStep; before: LabelSet }) {
  const changed = step.keep ? changes(before, step.output) : [];
  return (
    <li class={step.keep ? undefined : "stops"}>
      <code>{inWords(step.rule)}</code>{" "}
      {!step.keep && <Tag tone="bad">dropped here</Tag>}
      {step.keep && changed.length === 0 && <span class="quiet">changes nothing</span>}
      {changed.map((change) => (
        <ChangeLine key={change.name} change={change} />
      ))}
    </li>
  );
}

const SIGNS = { added: "+", changed: "→", removed: "−" } as const;

function ChangeLine({ change }: { change: Change }) {
  return (
    <div class={`change ${change.kind}`}>
      <span class="sign" title={change.kind}>
        {SIGNS[change.kind]}
      </span>{" "}
      {change.before !== undefined && (
        <s>
          <Label name={change.name} value={change.before} />
        </s>
      )}{" "}
      {change.after !== undefined && <Label name={change.name} value={change.after} />}
    </div>
  );
}
