/** show: all rules by group: health, evaluation time, last error, the last evaluations, intervals that were missed. Alerts themselves are on their own page. */
import type { Evaluation, Rule, RuleGroup } from "../alerts/types";
import { get, prom, useAsked } from "../api";
import { Ago, Empty, ErrorLine, Facts, Loading, State, Tag, Text } from "../parts/basics";
import { Strip, type StripItem } from "../parts/charts";
import { filtered, Filter, Tabs, useTab } from "../parts/controls";
import { Labels } from "../parts/labels";
import { number, plural } from "../parts/number";
import { Table, type Column } from "../parts/table";
import { clock, duration, millis, now, promDuration } from "../parts/time";
import { href } from "../router";
import type { PageProps } from "../routes";
import "./rules.css";

const EVERY_MS = 5000;

interface Row extends Rule {
  group: RuleGroup;
  index: number;
  evaluations: Evaluation[] | undefined;
}

interface Evaluated {
  rules: { file: string; group: string; name: string; kind: string; index: number; evaluations: Evaluation[] }[];
}

export default function Rules(_: PageProps) {
  const asked = useAsked((abort) => prom<{ groups: RuleGroup[] }>("rules", {}, abort), "rules", EVERY_MS);
  const past = useAsked((abort) => get<{ data: Evaluated }>("api/bellbuoy/evaluations", {}, abort).then((answer) => answer.data), "evaluations", EVERY_MS);
  const groups = asked.data?.groups ?? [];
  const strips = new Map((past.data?.rules ?? []).map((rule) => [`${rule.file}\n${rule.group}\n${rule.index}`, rule.evaluations]));
  const rows = groups.flatMap((group) => group.rules.map((rule, index): Row => ({ ...rule, group, index, evaluations: strips.get(`${group.file}\n${group.name}\n${index}`) })));
  const tabs = [
    { id: "all", title: "All", count: rows.length },
    { id: "failing", title: "Failing", count: rows.filter((row) => row.health === "err").length },
    { id: "alerting", title: "Alerting", count: rows.filter((row) => row.type === "alerting").length },
    { id: "recording", title: "Recording", count: rows.filter((row) => row.type === "recording").length },
  ];
  const tab = useTab(tabs);
  const ofTab = rows.filter((row) => (tab === "failing" ? row.health === "err" : tab === "all" || row.type === tab));
  const shown = filtered(ofTab, (row) => `${row.name} ${row.group.name} ${row.group.file} ${row.query} ${row.lastError ?? ""}`);
  return (
    <>
      <h1>Rules</h1>
      <ErrorLine error={asked.error} again={asked.again} />
      <Tabs tabs={tabs} label="Rules" />
      {!asked.data && asked.loading && <Loading />}
      {asked.data && rows.length === 0 && <NoRules />}
      {rows.length > 0 && (
        <>
          <div class="bar">
            <Filter placeholder="Filter by name, group, expression" />
            <span class="quiet">{plural(groups.length, "group")}</span>
          </div>
          {shown.length === 0 && <p class="quiet">{tab === "failing" && ofTab.length === 0 ? "Every rule evaluates without an error." : "No rule fits."}</p>}
          {groups.map((group) => {
            const members = shown.filter((row) => row.group === group);
            return members.length > 0 && <Group key={`${group.file} ${group.name}`} group={group} rows={members} />;
          })}
        </>
      )}
    </>
  );
}

function Group({ group, rows }: { group: RuleGroup; rows: Row[] }) {
  const took = group.rules.reduce((sum, rule) => sum + rule.evaluationTime, 0);
  const last = group.rules.map((rule) => millis(rule.lastEvaluation) ?? 0).reduce((a, b) => Math.max(a, b), 0);
  const lateSeconds = last > 0 ? (now.value - last) / 1000 - group.interval : 0;
  const missed = group.interval > 0 && lateSeconds > Math.max(group.interval, 3) ? Math.floor(lateSeconds / group.interval) : 0;
  return (
    <section class="rule-group">
      <h2>
        <bdi>{group.name}</bdi>{" "}
        <small>
          <bdi class="mono">{group.file.split("/").pop()}</bdi> · each {promDuration(group.interval)} · took {duration(took)} · <Ago at={last || null} />
        </small>{" "}
        {took > group.interval && <Tag tone="bad" title="evaluating the group takes longer than its interval">slower than its interval</Tag>}{" "}
        {missed > 0 && <Tag tone="bad">{plural(missed, "interval")} missed</Tag>}
      </h2>
      <Table rows={rows} columns={COLUMNS} rowKey={(row) => row.index} caption={`Rules of ${group.name}`} detail={(row) => <Detail row={row} />} isOpen={(row) => row.health === "err"} />
    </section>
  );
}

const COLUMNS: Column<Row>[] = [
  { key: "name", width: "26%", title: "Rule", class: "rule-name", value: (row) => row.name, cell: (row) => <Name row={row} /> },
  { key: "health", width: "74px", title: "Health", value: (row) => row.health, cell: (row) => <State of={row.health} /> },
  { key: "query", title: "Expression", class: "rule-query", cell: (row) => <code><Text of={row.query} max={160} /></code> },
  { key: "for", width: "64px", title: "For", num: true, value: (row) => row.duration, cell: (row) => (row.type === "alerting" && row.duration ? promDuration(row.duration) : "") },
  { key: "took", width: "80px", title: "Took", num: true, value: (row) => row.evaluationTime, cell: (row) => (millis(row.lastEvaluation) === undefined ? "" : duration(row.evaluationTime)) },
  { key: "last", width: "86px", title: "Last", value: (row) => millis(row.lastEvaluation), cell: (row) => <Ago at={row.lastEvaluation} never="not yet" /> },
  { key: "past", width: "174px", title: "Last evaluations", cell: (row) => row.evaluations && <Strip items={strip(row.evaluations)} width={5} height={16} label={`${row.name}: the last ${plural(row.evaluations.length, "evaluation")}, ${row.evaluations.filter((one) => one.error).length} with an error`} /> },
];

function Name({ row }: { row: Row }) {
  const text = <bdi><Text of={row.name} max={120} /></bdi>;
  if (row.type !== "alerting") return <span class="mono">{text}</span>;
  return (
    <>
      <a href={href(["alerts", row.name])}>{text}</a> {row.state && row.state !== "inactive" && <State of={row.state} />}
    </>
  );
}

/** The last 30, oldest first. */
function strip(evaluations: Evaluation[]): StripItem[] {
  return evaluations.slice(-30).map((one) => ({
    tone: one.error ? "bad" : one.state === "firing" ? "bad" : one.state === "pending" ? "warn" : "good",
    title: `${clock(one.at)}: ${one.error ? `error: ${one.error.slice(0, 200)}` : `${one.state ?? "recorded"}, ${one.series === null ? "unknown" : plural(one.series, "series", "series")}${one.value === null ? "" : `, ${number(one.value)}`}`}, ${duration(one.seconds)}`,
  }));
}

function Detail({ row }: { row: Row }) {
  return (
    <>
      {row.lastError && <ErrorLine error={row.lastError} what="Last error" />}
      <pre tabIndex={0} aria-label="expression">
        {row.query}
      </pre>
      <p>
        <a href={href("query", { "g0.expr": row.query })}>Try it on the query page</a>
      </p>
      <p class="quiet">
        <bdi class="mono">{row.group.file}</bdi>, group <bdi>{row.group.name}</bdi>
      </p>
      <Facts
        of={[
          ["last evaluation", <Ago at={row.lastEvaluation} />],
          ...(row.type === "alerting" ? ([["for", promDuration(row.duration ?? 0)], ["keep_firing_for", promDuration(row.keepFiringFor ?? 0)], ["alerts", String(row.alerts?.length ?? 0)]] as [string, string][]) : []),
        ]}
      />
      {Object.keys(row.labels ?? {}).length > 0 && <p><Labels of={row.labels} max={30} /></p>}
      {Object.entries(row.annotations ?? {}).map(([name, text]) => (
        <p key={name}>
          <span class="quiet"><bdi>{name}</bdi>:</span> <Text of={text} max={600} />
        </p>
      ))}
    </>
  );
}

function NoRules() {
  return (
    <Empty
      title="No rules"
      because="No rule file was found in the folder, or rule_files of prometheus.yml names none."
      todo="Write one beside prometheus.yml, and name it under rule_files."
      snippet={{ language: "yaml", text: "groups:\n  - name: targets\n    rules:\n      - alert: TargetDown\n        expr: up == 0\n        for: 1m\n        labels: {severity: critical}\n        annotations: {summary: \"{{ $labels.instance }} is down\"}\n" }}
    />
  );
}
