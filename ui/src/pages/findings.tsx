/** show: what check finds in the folder and in the live series: each finding with its place and its way out. */
import { get, useAsked } from "../api";
import { Empty, ErrorLine, Loading, Snippet, State, Text } from "../parts/basics";
import { filtered, Filter, Tabs, useTab } from "../parts/controls";
import { Table, type Column } from "../parts/table";
import { cut, oneLine } from "../parts/text";
import { inFolder } from "../overview";
import { href } from "../router";
import type { PageProps } from "../routes";
import type { Finding } from "../shapes";

const RANK = { error: 0, warning: 1, info: 2 } as const;

export default function Findings(_: PageProps) {
  const asked = useAsked((abort) => get<{ findings: Finding[]; running: boolean; problem: string | null }>("api/bellbuoy/findings", {}, abort), "findings", 30_000);
  const { findings: all = [], running = false, problem = null } = asked.data ?? {};
  const tabs = [
    { id: "all", title: "All", count: all.length },
    ...(["error", "warning", "info"] as const).map((severity) => ({ id: severity, title: { error: "Errors", warning: "Warnings", info: "Notes" }[severity], count: all.filter((one) => one.severity === severity).length })),
  ];
  const tab = useTab(tabs);
  const shown = filtered(tab === "all" ? all : all.filter((one) => one.severity === tab), (one) => `${one.code} ${one.file} ${one.message} ${one.fix ?? ""}`);
  return (
    <>
      <h1>Findings</h1>
      <ErrorLine error={asked.error} again={asked.again} />
      {!asked.data && asked.loading && <Loading />}
      {problem && <Empty title="The check could not be done" because={problem} />}
      {running && <p class="quiet">The configuration in force is still being checked; what stands here is of the one before.</p>}
      {asked.data && all.length === 0 && !running && !problem && <Empty title="Nothing was found" because="bellbuoy check has nothing to say of the configuration in force." />}
      {all.length > 0 && (
        <>
          <Tabs tabs={tabs} label="Findings" />
          <div class="bar">
            <Filter placeholder="Filter by code, file, words" />
            <span class="quiet">
              also in a terminal: <code>bellbuoy check</code>
              {all.some((one) => one.fixable) && <>; <code>--fix</code> writes corrections that are beyond doubt</>}
            </span>
          </div>
          <Table rows={shown} columns={COLUMNS} rowKey={(one) => JSON.stringify(one)} caption="Findings" sort="severity" />
        </>
      )}
    </>
  );
}

const COLUMNS: Column<Finding>[] = [
  { key: "severity", title: "Severity", width: "86px", value: (one) => RANK[one.severity] ?? 3, cell: (one) => <State of={one.severity} /> },
  { key: "message", title: "Finding", value: (one) => one.message, cell: (one) => <What finding={one} /> },
  { key: "file", title: "Place", width: "24%", value: (one) => `${one.file}:${String(one.line ?? 0).padStart(6, "0")}`, cell: (one) => <a class="mono" href={href("configuration", { file: one.file })}><bdi>{oneLine(cut(inFolder(one.file), 120))}</bdi>{one.line ? `:${one.line}` : ""}</a> },
  { key: "code", title: "Check", width: "190px", value: (one) => one.code, cell: (one) => <code>{one.code}</code> },
];

function What({ finding }: { finding: Finding }) {
  return (
    <>
      <Text of={finding.message} max={600} />
      {finding.why && (
        <div class="quiet">
          <Text of={finding.why} max={600} />
        </div>
      )}
      {finding.fix && <Snippet text={finding.fix} />}
    </>
  );
}
