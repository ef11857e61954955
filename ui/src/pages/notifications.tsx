/** show: what was sent to whom, why, each attempt and its answer; what waits, and a way to send it now. */
import { useState } from "preact/hooks";

import { get, send, useAsked } from "../api";
import { Ago, At, Empty, ErrorLine, Loading, State, Text } from "../parts/basics";
import { Doing, Filter, Tabs, useTab } from "../parts/controls";
import { Labels } from "../parts/labels";
import { plural } from "../parts/number";
import { Table, type Column } from "../parts/table";
import { cut, oneLine } from "../parts/text";
import { duration, millis } from "../parts/time";
import { href, place, setQuery } from "../router";
import type { PageProps } from "../routes";
import type { Attempt, Notice } from "../shapes";

const EVERY_MS = 5000;
const PAGE = 100;

interface Page {
  data: Notice[];
  next: string | null;
}

const TABS = [
  { id: "all", title: "All" },
  { id: "pending", title: "Waiting" },
  { id: "delivered", title: "Delivered" },
  { id: "failed", title: "Given up" },
  { id: "replaced", title: "Replaced" },
];

export default function Notifications(_: PageProps) {
  const tab = useTab(TABS);
  const query = place.value.query;
  const [receiver, alertname] = [query.get("receiver") || undefined, query.get("alertname") || undefined];
  const [size, setSize] = useState(PAGE);
  const asked = useAsked(
    (abort) => get<Page>("api/v1/notifications", { status: tab === "all" ? undefined : tab, receiver, alertname, limit: size }, abort),
    `${tab} ${receiver} ${alertname} ${size}`,
    EVERY_MS,
  );
  const rows = asked.data?.data ?? [];
  const filter = receiver !== undefined || alertname !== undefined;
  return (
    <>
      <h1>Notifications</h1>
      <Tabs tabs={TABS} label="Notifications" clears={["sort"]} />
      <div class="bar">
        <Filter name="receiver" placeholder="Receiver" label="Filter by receiver" />
        <Filter name="alertname" placeholder="Alert" label="Filter by alert" />
        {filter && (
          <button type="button" class="small" onClick={() => setQuery({ receiver: undefined, alertname: undefined })}>
            Show all
          </button>
        )}
      </div>
      <ErrorLine error={asked.error} again={asked.again} />
      {!asked.data && asked.loading && <Loading />}
      {asked.data && rows.length === 0 && <None tab={tab} filter={filter} />}
      {rows.length > 0 && <Table rows={rows} columns={COLUMNS} rowKey={(row) => row.id} caption="Notifications" pageSize={size} detail={(row) => <Detail notice={row} again={asked.again} />} isOpen={(row) => String(row.id) === query.get("id")} />}
      {asked.data?.next && (
        <p class="more">
          <button type="button" onClick={() => setSize(size + 2 * PAGE)}>
            Show older ones
          </button>
        </p>
      )}
    </>
  );
}

const NOTHING: Record<string, [string, string]> = {
  all: ["Nothing was sent yet", "A message is sent when an alert fires and a route leads to a receiver."],
  pending: ["Nothing waits", "Every message was delivered, replaced by a newer one, or given up."],
  delivered: ["Nothing was delivered", "A message is delivered when the receiver's service says that it has it."],
  failed: ["Nothing was given up", "A message is given up when the service refuses it for good, or after its time."],
  replaced: ["Nothing was replaced", "A waiting message is replaced when the group has newer news."],
};

function None({ tab, filter }: { tab: string; filter: boolean }) {
  const [title, because] = NOTHING[tab] ?? ["Nothing", ""];
  return <Empty title={filter ? "Nothing fits the filter" : title} because={filter ? "Receivers and alerts are compared as a whole, not by a part of their name." : because} todo={!filter && tab === "all" ? <a href={href("receivers")}>Send a test from a receiver</a> : undefined} />;
}

const COLUMNS: Column<Notice>[] = [
  { key: "at", title: "At", width: "128px", value: (row) => millis(row.createdAt), cell: (row) => <At at={row.createdAt} /> },
  { key: "status", title: "Status", width: "88px", value: (row) => row.status, cell: (row) => <State of={row.status} /> },
  { key: "receiver", title: "Receiver", width: "11%", value: (row) => row.receiver, cell: (row) => <><bdi>{oneLine(cut(row.receiver, 80))}</bdi>{row.receiver !== row.integration && <span class="quiet"> {row.integration}</span>}</> },
  { key: "state", title: "News", width: "84px", value: (row) => row.state, cell: (row) => <State of={row.state} /> },
  { key: "group", title: "Alert", cell: (row) => <Group notice={row} /> },
  { key: "reason", title: "Why", width: "176px", value: (row) => row.reason, cell: (row) => <Text of={row.reason} max={100} /> },
  { key: "attempts", title: "Tries", width: "52px", num: true, value: (row) => row.attempts },
  { key: "answer", title: "Answer", width: "12%", value: (row) => row.answer, cell: (row) => (row.status === "pending" && row.nextAttemptAt ? <>{row.answer && <Text of={row.answer} max={90} />} <span class="quiet">next <Ago at={row.nextAttemptAt} /></span></> : <Text of={row.answer} max={140} />) },
];

/** Labels that name an event, not what it is about. */
const OF_EVENTS = ["alertname", "kind", "event", "at"];

function Group({ notice }: { notice: Notice }) {
  const name = notice.groupLabels.alertname;
  return (
    <>
      {name !== undefined && (
        <a href={href(["alerts", name])}>
          <Text of={name} max={80} />
        </a>
      )}{" "}
      <Labels of={notice.groupLabels} omit={OF_EVENTS} max={3} /> {notice.alertCount > 1 && <span class="quiet nowrap">{plural(notice.alertCount, "alert")}</span>}
    </>
  );
}

const ATTEMPTS: Column<Attempt>[] = [
  { key: "number", title: "No.", num: true, cell: (attempt) => attempt.number },
  { key: "at", title: "At", cell: (attempt) => <At at={attempt.at} /> },
  { key: "took", title: "Took", num: true, cell: (attempt) => (attempt.tookSeconds === null ? "unknown" : duration(attempt.tookSeconds)) },
  { key: "outcome", title: "Outcome", cell: (attempt) => <State of={attempt.outcome} /> },
  { key: "answer", title: "Answer", cell: (attempt) => <Text of={attempt.answer} /> },
];

function Detail({ notice, again }: { notice: Notice; again: () => void }) {
  const retry = async () => {
    const { data } = await send<{ data: { nextAttemptAt: string | null } }>("POST", `api/bellbuoy/notifications/${encodeURIComponent(String(notice.id))}/retry`);
    again();
    const wait = (millis(data.nextAttemptAt) ?? 0) - Date.now();
    return wait > 1500 ? `on its way in ${duration(Math.round(wait / 1000))}: the service asked for a pause` : "on its way";
  };
  return (
    <>
      {(notice.status === "pending" || notice.status === "failed") && (
        <p class="bar">
          <Doing label={notice.status === "failed" ? "Send it after all" : "Send it now"} act={retry} />
        </p>
      )}
      {(notice.attemptLog?.length ?? 0) > 0 ? <Table rows={notice.attemptLog ?? []} columns={ATTEMPTS} rowKey={(attempt) => attempt.number} caption="Attempts" /> : <p class="quiet">No attempt is kept.</p>}
      <h3>{plural(notice.alertCount, "alert")} in it</h3>
      <ul class="plain-list">
        {notice.alerts.slice(0, 100).map((alert, index) => (
          <li key={index}>
            <State of={alert.status} /> <a href={href(["alerts", alert.labels.alertname ?? ""])}><Text of={alert.labels.alertname ?? "without a name"} max={80} /></a>{" "}
            <Labels of={alert.labels} omit={["alertname"]} />
            {alert.annotations.summary && <p class="quiet"><Text of={alert.annotations.summary} /></p>}
          </li>
        ))}
      </ul>
      {notice.alertCount > notice.alerts.length && <p class="quiet">{notice.alertCount - notice.alerts.length} more are not kept.</p>}
    </>
  );
}
