/** show: the first page. In: the overview. Out: four tiles, what is missing and how to mend it, one row per model. Never an empty chart. */
import type { ComponentChildren } from "preact";

import type { Asked } from "../api";
import { askOverview, overview as newest } from "../overview";
import { Ago, Empty, ErrorLine, FigureText, Loading, Snippet, State, Tag, Text, Unknown } from "../parts/basics";
import { bytes, count, number, percent, plural, short } from "../parts/number";
import { Table, type Column } from "../parts/table";
import { duration } from "../parts/time";
import { href } from "../router";
import { becameOf, metricName } from "../models/names";
import type { PageProps } from "../routes";
import type { ChecklistItem, ModelRow, Overview, RoleFigure, ServerRow } from "../shapes";
import "./home.css";

export default function Home(_: PageProps) {
  const asked = newest.value;
  return (
    <>
      <header class="home-head">
        <h1>Home</h1>
        {asked.data && <About overview={asked.data} />}
      </header>
      <ErrorLine error={asked.error} again={() => void askOverview()} />
      <Content asked={asked} />
    </>
  );
}

function Content({ asked }: { asked: Asked<Overview> }) {
  if (!asked.data) return asked.loading ? <Loading /> : null;
  const overview = asked.data;
  return (
    <>
      {!overview.configuration.ok && <Rejected problems={overview.configuration.problems} />}
      <Tiles overview={overview} />
      {overview.checklist.length > 0 && <Checklist items={overview.checklist} />}
      <h2>Models</h2>
      {overview.models.length > 0 ? <Models rows={overview.models} /> : <NoModels listed={overview.checklist.some((item) => item.kind === "model")} />}
      {overview.servers.length > 0 && (
        <>
          <h2>Servers that are watched</h2>
          <Servers rows={overview.servers} />
        </>
      )}
    </>
  );
}

function About({ overview }: { overview: Overview }) {
  return (
    <span class="quiet">
      bellbuoy {overview.version} · <span class="mono">{overview.folder}</span> · started <Ago at={overview.startedAt} />
    </span>
  );
}

function Rejected({ problems }: { problems: string[] }) {
  return (
    <section class="problem" role="alert">
      <h2>The files were changed, and cannot be used</h2>
      <p>
        The configuration from before is in force. <a href={href("configuration")}>The files and their problems</a>
      </p>
      <ul>
        {problems.slice(0, 5).map((problem) => (
          <li key={problem} class="mono">
            <Text of={problem} />
          </li>
        ))}
      </ul>
    </section>
  );
}

type TileTone = "good" | "warn" | "bad" | "";

function Tile({ title, to, tone, big, children }: { title: string; to: string; tone: TileTone; big: ComponentChildren; children: ComponentChildren }) {
  return (
    <a class={`card tile ${tone ? `is-${tone}` : ""}`} href={href(to)}>
      <h2>{title}</h2>
      <span class="big">{big}</span>
      <span class="under">{children}</span>
    </a>
  );
}

function Tiles({ overview }: { overview: Overview }) {
  const { targets, rules, alerts, ingestion } = overview;
  const asked = targets.up + targets.down + targets.unknown;
  const judged = rules.ok + rules.failing + rules.unknown;
  return (
    <section class="tiles" aria-label="At a glance">
      <Tile title="Targets" to="targets" tone={targets.down > 0 ? "bad" : targets.up > 0 ? "good" : ""} big={asked === 0 ? "none" : <>{count(targets.up)} <small>of {count(asked)} up</small></>}>
        {targets.down > 0 && <span class="bad">{count(targets.down)} down</span>}
        {targets.unknown > 0 && <span>{count(targets.unknown)} not asked yet</span>}
        {targets.dropped > 0 && <span>{count(targets.dropped)} dropped</span>}
        <span>{plural(targets.jobs, "job")}</span>
      </Tile>
      <Tile title="Rules" to="rules" tone={rules.failing > 0 ? "bad" : rules.ok > 0 ? "good" : ""} big={judged === 0 ? "none" : <>{count(rules.ok)} <small>of {count(judged)} ok</small></>}>
        {rules.failing > 0 && <span class="bad">{count(rules.failing)} failing</span>}
        <span>{count(rules.alerting)} alerting</span>
        <span>{count(rules.recording)} recording</span>
        <span>judged <Ago at={rules.lastEvaluation} /></span>
      </Tile>
      <Tile title="Alerts" to="alerts" tone={alerts.firing > 0 ? "bad" : alerts.pending > 0 ? "warn" : "good"} big={<>{count(alerts.firing)} <small>firing</small></>}>
        {Object.entries(alerts.bySeverity).map(([severity, many]) => (
          <span key={severity} class={severity === "critical" ? "bad" : severity === "warning" ? "warn" : undefined}>
            {count(many)} <bdi>{severity || "without severity"}</bdi>
          </span>
        ))}
        {alerts.pending > 0 && <span>{count(alerts.pending)} pending</span>}
        {alerts.silenced > 0 && <span>{count(alerts.silenced)} silenced</span>}
        {alerts.inhibited > 0 && <span>{count(alerts.inhibited)} inhibited</span>}
      </Tile>
      <Tile title="Ingestion" to="cardinality" tone="" big={ingestion.samplesPerSecond.unknown ? <small title={ingestion.samplesPerSecond.unknown.because}>not known yet</small> : <>{short(ingestion.samplesPerSecond.value)} <small>samples/s</small></>}>
        <span>{count(ingestion.series)} series</span>
        <span>{bytes(ingestion.bytes.wal + ingestion.bytes.chunks)}</span>
        <span>newest <Ago at={ingestion.newest} /></span>
        {ingestion.refused > 0 && <span class="warn">{count(ingestion.refused)} refused</span>}
      </Tile>
    </section>
  );
}

const MARKS = { bad: "✕", waiting: "…", note: "i" } as const;
const MARK_WORDS = { bad: "wrong", waiting: "waiting", note: "to know" } as const;
const SEE: Record<string, [string, string]> = { job: ["targets", "Targets"], target: ["targets", "Targets"], rules: ["rules", "Rules"], receiver: ["receivers", "Receivers"], config: ["configuration", "Configuration"], model: ["models", "Models"] };

function Checklist({ items }: { items: ChecklistItem[] }) {
  return (
    <section>
      <h2>To do</h2>
      <ul class="checklist">
        {items.map((item, index) => (
          <li key={`${item.kind} ${item.reason} ${item.job} ${item.name} ${index}`}>
            <span class={`mark ${item.state === "bad" ? "bad" : item.state === "waiting" ? "warn" : "quiet"}`}>
              <span aria-hidden="true">{MARKS[item.state]}</span>
              <span class="unseen">{MARK_WORDS[item.state]}</span>
            </span>
            <div>
              <b>
                <Text of={item.text} />
              </b>
              {item.job && <> <Tag><bdi>{item.job}</bdi></Tag></>}
              {item.targets > 1 && <span class="quiet"> {plural(item.targets, "target")}</span>}
              <p class="todo">
                <Text of={item.todo} />
                {SEE[item.kind] && <> · <a href={href(SEE[item.kind]![0])}>{SEE[item.kind]![1]}</a></>}
              </p>
              {item.snippet && (
                <details open={items.length === 1}>
                  <summary>Lines to copy</summary>
                  <Snippet text={item.snippet.text} language={item.snippet.language} />
                </details>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function NoModels({ listed }: { listed: boolean }) {
  if (listed) return <p class="quiet">No model is known yet; the list above says what is missing.</p>;
  return (
    <Empty
      title="No model is known"
      because="bellbuoy judges models whose predictions it gets; none is named in bellbuoy.yml and none has sent predictions."
      todo="Send predictions as the service makes them; true values may follow later."
      snippet={{ language: "shell", text: PREDICTIONS }}
    />
  );
}

const PREDICTIONS = `curl -H 'content-type: application/json' ${location.origin}/api/v1/models/my-model/predictions -d '[
  {"id": "1", "features": {"temp": 0.5}, "prediction": 12.5}
]'`;

const MODEL_COLUMNS: Column<ModelRow>[] = [
  { key: "name", title: "Model", width: "15%", value: (row) => row.name, cell: (row) => <><a href={href(["models", row.name])}><bdi>{row.name}</bdi></a><div class="second">{row.kind}</div></> },
  { key: "rate", title: "Predictions", width: "92px", num: true, value: (row) => row.rate.value, cell: (row) => <FigureText of={row.rate} as={(value) => `${number(value)} /s`} /> },
  { key: "p95", title: "p95", width: "76px", num: true, help: "95 % of the predictions were faster", value: (row) => row.latencyP95.value, cell: (row) => <FigureText of={row.latencyP95} as={duration} /> },
  { key: "age", title: "Data age", width: "84px", num: true, help: "since predictions last came in", value: (row) => row.dataAge.value, cell: (row) => <FigureText of={row.dataAge} as={duration} /> },
  { key: "drift", title: "Drift", width: "122px", value: (row) => (row.drift.unknown ? undefined : row.drift.share), cell: (row) => <Drift of={row.drift} /> },
  { key: "performance", title: "Performance", width: "140px", value: (row) => (row.performance.unknown ? undefined : row.performance.value), cell: (row) => <Performance of={row.performance} /> },
  { key: "versus", title: "Champion, challengers", width: "168px", cell: (row) => <Versus row={row} /> },
  { key: "decision", title: "Last decision", value: (row) => (row.decision.unknown ? undefined : row.decision.at), cell: (row) => <Decision of={row.decision} /> },
];

function Models({ rows }: { rows: ModelRow[] }) {
  return <Table rows={rows} columns={MODEL_COLUMNS} rowKey={(row) => row.name} caption="Models" sortName="models" />;
}

function Drift({ of }: { of: ModelRow["drift"] }) {
  if (of.unknown) return <Unknown because={of.unknown.because} />;
  return (
    <>
      <Tag tone={of.detected ? "warn" : "good"}>{of.detected ? "drift" : "no drift"}</Tag> {percent(of.share)}
      <div class="second">
        {of.driftedFeatures} of {of.judgedFeatures} features
      </div>
    </>
  );
}

function Performance({ of }: { of: ModelRow["performance"] }) {
  if (of.unknown) return <Unknown because={of.unknown.because} />;
  return (
    <>
      <span class="quiet">{metricName(of.metric)}</span> <b class="digits">{number(of.value)}</b>
      <div class="second digits" title={`${plural(of.rows, "row")} with true values`}>
        {of.low !== null && of.high !== null ? `${number(of.low)} to ${number(of.high)}` : plural(of.rows, "row")}
      </div>
    </>
  );
}

function Versus({ row }: { row: ModelRow }) {
  const name = (one: RoleFigure) => (one.version === null ? one.role : `${one.role} v${one.version}`);
  return (
    <div class="digits">
      <span class="quiet">{name(row.champion)}</span> <FigureText of={row.champion.figure} as={number} />
      {row.challengers.length === 0 && (
        <div class="second" title="None predicts beside the champion now.">
          {row.lastChallenger ? <>{becameOf(row.lastChallenger)} <Ago at={row.lastChallenger.at} /></> : "no challenger yet"}
        </div>
      )}
      {row.challengers.map((one) => (
        <div key={one.role}>
          <span class="quiet">{name(one)}</span> <FigureText of={one.figure} as={number} />
        </div>
      ))}
    </div>
  );
}

function Decision({ of }: { of: ModelRow["decision"] }) {
  if (of.unknown) return <Unknown because={of.unknown.because} word="none yet" />;
  return (
    <>
      <State of={of.outcome} /> <Ago at={of.at} />
      <div class="second">
        <Text of={of.because} max={160} />
      </div>
    </>
  );
}

const SERVER_COLUMNS: Column<ServerRow>[] = [
  { key: "kind", title: "Kind", value: (row) => row.kind },
  { key: "instance", title: "Instance", value: (row) => row.instance, cell: (row) => <bdi>{row.instance}</bdi> },
  { key: "up", title: "State", value: (row) => (row.up === null ? undefined : row.up ? 1 : 0), cell: (row) => (row.up === null ? <Tag>not asked yet</Tag> : <State of={row.up ? "up" : "down"} />) },
  { key: "at", title: "Asked", value: (row) => row.at, cell: (row) => <Ago at={row.at} never="" /> },
  { key: "problems", title: "Problems", cell: (row) => row.problems.map((problem) => <div key={problem} class="bad"><Text of={problem} /></div>) },
];

function Servers({ rows }: { rows: ServerRow[] }) {
  return <Table rows={rows} columns={SERVER_COLUMNS} rowKey={(row) => `${row.job} ${row.instance}`} caption="Servers" sortName="servers" />;
}

