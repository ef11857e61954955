/** show: receivers and their integrations: where they lead, the last answer, what waits; a test message with the service's answer. */
import { useState } from "preact/hooks";

import { get, send, useAsked } from "../api";
import { Ago, Empty, ErrorLine, Loading, State, Tag, Text, Unknown } from "../parts/basics";
import { Doing } from "../parts/controls";
import { count } from "../parts/number";
import { Table, type Column } from "../parts/table";
import { cut, oneLine } from "../parts/text";
import { duration } from "../parts/time";
import { href } from "../router";
import type { PageProps } from "../routes";
import type { Integration, Receiver, TestResult } from "../shapes";
import "./receivers.css";

const EVERY_MS = 10_000;

export default function Receivers(_: PageProps) {
  const asked = useAsked((abort) => get<{ data: { receivers: Receiver[] } }>("api/bellbuoy/receivers", {}, abort).then((answer) => answer.data.receivers), "receivers", EVERY_MS);
  return (
    <>
      <h1>Receivers</h1>
      <ErrorLine error={asked.error} again={asked.again} />
      {!asked.data && asked.loading && <Loading />}
      {asked.data?.length === 0 && <NoReceivers />}
      {asked.data?.map((receiver) => <One key={receiver.name} receiver={receiver} again={asked.again} />)}
    </>
  );
}

function One({ receiver, again }: { receiver: Receiver; again: () => void }) {
  const [tested, setTested] = useState<TestResult>();
  const name = oneLine(cut(receiver.name, 120));
  const test = async () => {
    setTested(undefined);
    const { data } = await send<{ data: TestResult }>("POST", `api/v1/receivers/${encodeURIComponent(receiver.name)}/test`);
    setTested(data);
    again();
    return data.delivered ? "delivered" : "not delivered";
  };
  return (
    <section class="card receiver" aria-label={name}>
      <header class="bar">
        <h2>
          <bdi>{name}</bdi>
        </h2>
        {receiver.fallback && <Tag tone="info" title="fallback_receiver of bellbuoy.yml">told what another refused for good</Tag>}
        {!receiver.used && !receiver.fallback && <Tag tone="warn" title="no route leads to it">not used by any route</Tag>}
        {receiver.grafana && <Tag>of Grafana's files</Tag>}
        <span class="right">
          {receiver.integrations.length > 0 && <Doing label="Send a test" act={test} />}{" "}
          <a href={href("notifications", { receiver: receiver.name })}>messages</a>
        </span>
      </header>
      {receiver.integrations.length === 0 ? <p class="quiet">It has no integration: alerts that come here are told to nobody.</p> : <Table rows={receiver.integrations} columns={COLUMNS} rowKey={(one) => `${one.kind} ${one.index}`} caption={`Integrations of ${name}`} />}
      {tested && <Tested result={tested} />}
    </section>
  );
}

const COLUMNS: Column<Integration>[] = [
  { key: "kind", title: "Integration", cell: (one) => <b>{one.kind}</b> },
  { key: "address", title: "To", cell: (one) => (one.address === null ? <Unknown because="it is named by a secret, which is not shown" word="not shown" /> : <bdi>{oneLine(cut(one.address, 120))}</bdi>) },
  { key: "last", title: "Last message", cell: (one) => (one.last ? <><State of={one.last.status} /> <Ago at={one.last.at} /></> : <span class="quiet">none yet</span>) },
  { key: "answer", title: "Answer", cell: (one) => one.last && <Text of={one.last.answer} max={160} /> },
  { key: "delivered", title: "Delivered", cell: (one) => <Ago at={one.lastDelivered} /> },
  { key: "failed", title: "Given up", cell: (one) => <Ago at={one.lastFailed} /> },
  { key: "waiting", title: "Waiting", num: true, cell: (one) => <>{count(one.waiting)}{one.closedUntil && <span class="warn"> paused, <Ago at={one.closedUntil} /></span>}</> },
  { key: "resolved", title: "Resolved too", cell: (one) => (one.sendResolved ? "yes" : "no") },
];

function Tested({ result }: { result: TestResult }) {
  return (
    <ul class="tested" aria-label="Answers to the test">
      {result.results.map((one) => (
        <li key={`${one.integration} ${one.state}`}>
          <State of={one.delivered ? "delivered" : "failed"} /> <b>{one.integration}</b> <span class="quiet">{one.state}, {duration(one.tookSeconds)}</span> <Text of={one.answer} />
        </li>
      ))}
    </ul>
  );
}

function NoReceivers() {
  return (
    <Empty
      title="No receivers"
      because="alertmanager.yml is not there, or names no receivers: alerts are shown here, and nobody is told."
      todo="Write alertmanager.yml into the folder. The address can come from the environment."
      snippet={{ language: "yaml", text: "route:\n  receiver: team\nreceivers:\n  - name: team\n    discord_configs:\n      - webhook_url: ${DISCORD_WEBHOOK_URL}\n" }}
    />
  );
}
