/**
 * show: one alert: the verdict, what it means and what to do first, its value against its line, why, and its history. In: the address names it
 * (`alerts/NAME?group&label=instance=a&tab&range&at`). Out: what the explanation and the history of the server say; nothing is guessed.
 */
import { useMemo } from "preact/hooks";

import { ApiError, get, useAsked } from "../api";
import { encoded } from "../match";
import { storedSeconds } from "../overview";
import { href, place, setQuery } from "../router";
import type { PageProps } from "../routes";
import { Ago, Empty, ErrorLine, Facts, Loading, Tag } from "../parts/basics";
import { Tabs, useTab } from "../parts/controls";
import { Labels } from "../parts/labels";
import { cut, oneLine, safeUrl, visible } from "../parts/text";
import { dateTime, duration, millis, promDuration } from "../parts/time";
import { plural } from "../parts/number";
import { severityTone } from "../alerts/rows";
import { Link, Prose } from "../alerts/prose";
import { useSilence } from "../alerts/silence";
import { bandsOf, Episodes, Evaluations, Messages } from "../alerts/story";
import { comparison } from "../alerts/threshold";
import type { AlertHistory, Explanation, RuleHistory } from "../alerts/types";
import type { Labels as LabelMap } from "../shapes";
import { ValueChart } from "../alerts/valuechart";
import { Alternatives, Verdict, Why } from "../alerts/why";
import "../alerts/alerts.css";
import "../alerts/alert.css";

const TURN_MS = 5000;
const RANGES = ["5m", "15m", "1h", "6h", "1d", "7d", "30d"];
const SECONDS: Record<string, number> = { "5m": 300, "15m": 900, "1h": 3600, "6h": 21_600, "1d": 86_400, "7d": 604_800, "30d": 2_592_000 };

export default function Alert({ params }: PageProps) {
  const name = params.rest ?? params.name ?? "";
  const query = place.value.query;
  const [group, at] = [query.get("group") ?? undefined, query.get("at") ?? undefined];
  const labels = labelsOf(query.getAll("label"));
  const history = useAsked((abort) => get<{ data: AlertHistory }>(`api/bellbuoy/alerts/${encoded(name)}`, { group }, abort), `history ${name} ${group}`, TURN_MS);
  const data = history.data?.data;
  // What was posted from elsewhere has no rule, so there is nothing to explain.
  const explained = data !== undefined && data.rules.length > 0;
  const why = useAsked<Explanation | undefined>(
    async (abort) => (explained ? explain<Explanation>({ ...labels, alert: name, at, rule_group: group }, abort) : undefined),
    `why ${explained} ${name} ${group} ${at} ${JSON.stringify(labels)}`,
    at ? 0 : TURN_MS,
  );
  const silence = useSilence(() => {
    history.again();
    why.again();
  });
  const rule = data?.rules.find((one) => group === undefined || one.group === group) ?? data?.rules[0];
  const tabs = [{ id: "about", title: "What it means" }, { id: "why", title: "Why?" }, { id: "history", title: "History", count: data?.episodes.length }];
  const tab = useTab(tabs);
  const sample: LabelMap = { alertname: name, ...(rule?.labels.severity && !rule.labels.severity.includes("{{") ? { severity: rule.labels.severity } : {}), ...labels };
  const severity = labels.severity ?? rule?.labels.severity ?? "";
  return (
    <>
      <header class="alert-head">
        <h1>
          <bdi>{oneLine(cut(name, 200))}</bdi> {severity && <Tag tone={severityTone(severity)}>{oneLine(cut(severity, 40))}</Tag>}
        </h1>
        <span class="alert-acts">
          <button type="button" onClick={() => silence.open(sample)}>
            Silence
          </button>
          <a class="button" href={href("alerts", { q: `alertname="${name}"` })}>
            In the list
          </a>
        </span>
      </header>
      {Object.keys(labels).length > 0 && (
        <p class="alert-only">
          <Labels of={labels} omit={["severity"]} />{" "}
          <button type="button" class="link" onClick={() => setQuery({ label: undefined }, "push")}>
            all of this rule
          </button>
        </p>
      )}
      {silence.view}
      {why.data ? <Verdict of={why.data} /> : explained ? <WhyNot error={why.error} /> : null}
      <Tabs tabs={tabs} label="About this alert" clears={["at"]} />
      {history.error && !data && <ErrorLine error={history.error} what="History" again={history.again} />}
      {tab === "about" && (data ? <About data={data} rule={rule} labels={labels} /> : !history.error && <Loading />)}
      {tab === "why" && <WhyTab why={why} rule={rule} at={at} />}
      {tab === "history" && data && <History data={data} />}
    </>
  );
}

async function explain<T>(params: Record<string, string | undefined>, abort: AbortSignal): Promise<T> {
  return (await get<{ data: T }>("api/bellbuoy/explain", params, abort)).data;
}

function labelsOf(pairs: string[]): LabelMap {
  const out: LabelMap = {};
  for (const pair of pairs.slice(0, 30)) {
    const at = pair.indexOf("=");
    if (at > 0) out[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return out;
}

/** An alert that came from elsewhere has no rule to explain; that is no fault. */
function WhyNot({ error }: { error: ApiError | undefined }) {
  if (!error) return <Loading />;
  if (error.status !== 404) return <ErrorLine error={error} what="Why?" />;
  return <p class="verdict quiet">{visible(cut(error.message, 500))}</p>;
}

function About({ data, rule, labels }: { data: AlertHistory; rule: RuleHistory | undefined; labels: LabelMap }) {
  if (!rule) {
    return (
      <>
        <Empty title="No rule of this name here" because={visible(data.because ?? "Its alerts were posted by a program elsewhere; only what they said themselves is known.")} />
        <Posted data={data} />
      </>
    );
  }
  const now = rule.alerts.find((alert) => Object.entries(labels).every(([name, value]) => alert.labels[name] === value)) ?? rule.alerts[0];
  const annotations = now?.annotations ?? rule.annotations;
  return (
    <>
      <Value data={data} rule={rule} labels={labels} />
      <h2>The last evaluations</h2>
      <Evaluations of={rule.evaluations} onPick={(at) => setQuery({ at, tab: "why" }, "push")} />
      <div class="alert-about">
        <section class="card">
          <Meaning annotations={annotations} runbookUrl={rule.runbookUrl} />
        </section>
        <section class="card">
          <h2>The rule</h2>
          {data.rules.length > 1 && <Choose rules={data.rules} rule={rule} />}
          <pre tabIndex={0} aria-label="expression">{visible(rule.query)}</pre>
          <RuleFacts rule={rule} />
          {rule.lastError && <ErrorLine error={rule.lastError} what="Last error" />}
          <p>
            <Labels of={rule.labels} />
          </p>
        </section>
      </div>
    </>
  );
}

const TITLES: Record<string, string> = { summary: "In short", description: "What it means", message: "What it means", impact: "What suffers", why: "Why it may fire", causes: "Why it may fire", runbook: "First steps", action: "First steps", first_steps: "First steps", remediation: "First steps" };
const ORDER = ["summary", "description", "message", "impact", "why", "causes", "runbook", "action", "first_steps", "remediation"];

function Meaning({ annotations, runbookUrl }: { annotations: LabelMap; runbookUrl: string | null }) {
  const known = ORDER.filter((name) => annotations[name]);
  // A `runbook` may be an address or the steps themselves; the latter stand above.
  const address = annotations.runbook_url ?? (runbookUrl && safeUrl(runbookUrl) ? runbookUrl : undefined);
  const others = Object.keys(annotations).filter((name) => !ORDER.includes(name) && name !== "runbook_url" && !name.startsWith("field:"));
  return (
    <>
      {known.length === 0 && (
        <p class="quiet">
          The rule says nothing about itself. Give it annotations: <code>summary</code>, <code>description</code>, <code>runbook</code> or <code>runbook_url</code>.
        </p>
      )}
      {known.map((name) => (
        <section key={name}>
          <h2>{TITLES[name]}</h2>
          <Prose text={annotations[name] ?? ""} />
        </section>
      ))}
      {address && (
        <p>
          Runbook: <Link to={address} />
        </p>
      )}
      {others.length > 0 && (
        <details>
          <summary class="quiet">{others.length} more annotations</summary>
          <Facts of={others.slice(0, 40).map((name) => [oneLine(cut(name, 60)), visible(cut(annotations[name] ?? "", 400))])} />
        </details>
      )}
    </>
  );
}

function Choose({ rules, rule }: { rules: RuleHistory[]; rule: RuleHistory }) {
  return (
    <p>
      <label>
        {rules.length} rules have this name:{" "}
        <select value={rule.group} onChange={(event) => setQuery({ group: event.currentTarget.value }, "push")}>
          {rules.map((one, index) => (
            <option key={index} value={one.group}>
              {cut(one.group, 60)} ({one.state})
            </option>
          ))}
        </select>
      </label>
    </p>
  );
}

function RuleFacts({ rule }: { rule: RuleHistory }) {
  const file = `${rule.file.split("/").pop()}${rule.line ? `:${rule.line}` : ""}`;
  return (
    <Facts
      of={[
        ["Must hold for", rule.forSeconds > 0 ? promDuration(rule.forSeconds) : "fires at once"],
        ...(rule.keepFiringForSeconds > 0 ? [["Goes on firing for", promDuration(rule.keepFiringForSeconds)] as [string, string]] : []),
        ["Looked at every", promDuration(rule.intervalSeconds)],
        ["Last looked at", <Ago key="ago" at={rule.lastEvaluation} />],
        ["That took", duration(rule.evaluationSeconds)],
        ["Written in", <span key="file" title={rule.file}>{file}</span>],
        ["Group", cut(rule.group, 80)],
      ]}
    />
  );
}

function Value({ data, rule, labels }: { data: AlertHistory; rule: RuleHistory; labels: LabelMap }) {
  const wished = place.value.query.get("range");
  const range = wished && SECONDS[wished] ? wished : (RANGES.find((one) => SECONDS[one]! >= storedSeconds(rule.intervalSeconds < 5 ? 300 : 3600)) ?? "1h");
  const compared = useMemo(() => comparison(rule.query), [rule.query]);
  return (
    <section>
      <div class="bar">
        <h2 class="alert-chart-head">
          {compared ? (
            <>
              <code>{oneLine(cut(compared.left, 160))}</code> fires when <code>{compared.op} {cut(compared.right, 60)}</code>
            </>
          ) : (
            "What the rule looks at"
          )}
        </h2>
        <span class="right ranges" role="group" aria-label="Range">
          {RANGES.map((one) => (
            <button key={one} type="button" class="small" aria-pressed={one === range} onClick={() => setQuery({ range: one })}>
              {one}
            </button>
          ))}
        </span>
      </div>
      {rule.health === "err" ? <p class="empty">Nothing to draw: the rule fails. {visible(cut(rule.lastError ?? "", 400))}</p> : <ValueChart query={rule.query} comparison={compared} seconds={SECONDS[range] ?? 3600} least={Math.min(rule.intervalSeconds, 15) / 2} labels={labels} bands={(end) => bandsOf(data.episodes, end)} />}
    </section>
  );
}

function WhyTab({ why, rule, at }: { why: ReturnType<typeof useAsked<Explanation | undefined>>; rule: RuleHistory | undefined; at: string | undefined }) {
  return (
    <>
      <div class="bar">
        <span>
          {at ? (
            <>
              As it was at <b>{dateTime(at)}</b>{" "}
              <button type="button" class="small" onClick={() => setQuery({ at: undefined }, "push")}>
                Now
              </button>
            </>
          ) : (
            <span class="quiet">As it is now; pick a moment below to see how it was then.</span>
          )}
        </span>
        <label class="right quiet">
          at{" "}
          <input type="text" size={20} aria-label="the moment to explain" placeholder="2026-11-21 17:05:00" value={local(at)} onChange={(event) => setQuery({ at: moment(event.currentTarget.value) }, "push")} />
        </label>
      </div>
      {rule && <Evaluations of={rule.evaluations} chosen={at} onPick={(moment) => setQuery({ at: moment }, "push")} />}
      {why.error && <ErrorLine error={why.error} again={why.again} />}
      {!rule && <p class="quiet">There is no rule of this name here, so there is nothing to explain: its alerts were posted by a program elsewhere.</p>}
      {why.data && (
        <>
          <Alternatives of={why.data.alternatives} />
          <Why of={why.data} />
        </>
      )}
    </>
  );
}

/** A moment of the address as the clock on the wall says it; browsers' own inputs may show `PM`. */
function local(at: string | undefined): string {
  const ms = millis(at);
  return ms === undefined ? "" : new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace("T", " ");
}

/** `17:05`, `2026-11-21 17:05:00`, or with a zone. */
function moment(text: string): string | undefined {
  const clean = text.trim();
  const whole = /^\d{1,2}:\d{2}(:\d{2})?$/.test(clean) ? `${local(new Date().toISOString()).slice(0, 10)} ${clean.padStart(clean.indexOf(":") === 1 ? clean.length + 1 : clean.length, "0")}` : clean;
  const ms = millis(whole.replace(" ", "T"));
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function History({ data }: { data: AlertHistory }) {
  const firing = data.episodes.filter((episode) => episode.firedAt !== null);
  const seconds = firing.reduce((sum, episode) => sum + (episode.firingSeconds ?? 0), 0);
  return (
    <>
      <p class="quiet">
        From {dateTime(data.from)}: fired {firing.length === 1 ? "once" : `${firing.length} times`}
        {firing.length > 0 && `, ${duration(seconds)} in all`}; {plural(data.notifications.length, "message")}.
      </p>
      <h2>When it fired</h2>
      <Episodes of={data} />
      <h2>Messages about it</h2>
      <Messages of={data.notifications} />
    </>
  );
}

/** What alerts from elsewhere said in their messages. */
function Posted({ data }: { data: AlertHistory }) {
  const said = data.notifications.flatMap((one) => one.alerts).find((alert) => alert.labels.alertname === data.name);
  return (
    <>
      {said && (
        <section class="card">
          <Meaning annotations={said.annotations} runbookUrl={null} />
        </section>
      )}
      <h2>Messages about it</h2>
      <Messages of={data.notifications} />
    </>
  );
}
