/** show: silences by state; make, change and expire them; see which alerts one hides before it is made. */
import { read, written } from "../alerts/matchers";
import type { Matcher, RoutedAlert, Silence } from "../alerts/types";
import { get, send, useAsked } from "../api";
import { Ago, At, Empty, ErrorLine, Loading, Tag, Text } from "../parts/basics";
import { Confirm, filtered, Filter, Tabs, useTab } from "../parts/controls";
import { Labels } from "../parts/labels";
import { count, plural } from "../parts/number";
import { Table, type Column } from "../parts/table";
import { cut, oneLine } from "../parts/text";
import { duration, millis } from "../parts/time";
import { place, setQuery } from "../router";
import type { PageProps } from "../routes";
import { SilenceForm } from "../silences/form";
import "../silences/silences.css";

const EVERY_MS = 5000;

export default function Silences(_: PageProps) {
  const asked = useAsked((abort) => get<Silence[]>("api/v2/silences", {}, abort), "silences", EVERY_MS);
  const alerts = useAsked((abort) => get<RoutedAlert[]>("api/v2/alerts", {}, abort), "alerts", EVERY_MS);
  const silences = asked.data ?? [];
  const of = (state: string) => silences.filter((silence) => silence.status.state === state);
  const tabs = (["active", "pending", "expired"] as const).map((state) => ({ id: state, title: { active: "Active", pending: "To come", expired: "Over" }[state], count: of(state).length }));
  const tab = useTab(tabs);
  const edit = place.value.query.get("edit");
  const changed = edit && edit !== "new" ? silences.find((silence) => silence.id === edit) : undefined;
  const close = () => setQuery({ edit: undefined, filter: undefined });
  return (
    <>
      <div class="bar">
        <h1>Silences</h1>
        {!edit && (
          <button type="button" class="main right" onClick={() => setQuery({ edit: "new" }, "push")}>
            New silence
          </button>
        )}
      </div>
      <ErrorLine error={asked.error} again={asked.again} />
      {edit && (edit === "new" || changed) && (
        <SilenceForm
          key={edit}
          of={changed}
          matchers={changed?.matchers ?? read(place.value.query.get("filter") ?? "").matchers}
          alerts={alerts.data}
          onCancel={close}
          onDone={() => {
            setQuery({ edit: undefined, filter: undefined, tab: undefined });
            asked.again();
            alerts.again();
          }}
        />
      )}
      <Tabs tabs={tabs} label="Silences" clears={["q", "edit", "filter"]} />
      {!asked.data && asked.loading && <Loading />}
      {asked.data && <List silences={of(tab)} state={tab} alerts={alerts.data} again={() => (asked.again(), alerts.again())} />}
    </>
  );
}

const NONE: Record<string, string> = { active: "No silence is active: every alert is told.", pending: "No silence waits for its start.", expired: "No silence has ended in the time that is kept." };

function List({ silences, state, alerts, again }: { silences: Silence[]; state: string; alerts: RoutedAlert[] | undefined; again: () => void }) {
  if (silences.length === 0) {
    return <Empty title={NONE[state] ?? ""} todo={state === "active" ? "Silence an alert from the list of alerts in two clicks, or make a silence here." : undefined} />;
  }
  const shown = filtered(silences, (silence) => `${silence.matchers.map(written).join(" ")} ${silence.comment} ${silence.createdBy}`);
  const columns: Column<Silence>[] = [
    { key: "matchers", title: "Matchers", cell: (silence) => <Matchers of={silence.matchers} /> },
    { key: "comment", title: "Why", value: (silence) => silence.comment, cell: (silence) => <Text of={silence.comment} max={160} /> },
    { key: "by", title: "By", value: (silence) => silence.createdBy, cell: (silence) => <bdi>{oneLine(cut(silence.createdBy, 60))}</bdi> },
    { key: "starts", title: "From", value: (silence) => millis(silence.startsAt), cell: (silence) => <At at={silence.startsAt} /> },
    { key: "ends", title: state === "expired" ? "Ended" : "Ends", value: (silence) => millis(silence.endsAt), cell: (silence) => <><Ago at={silence.endsAt} /> <span class="quiet">after {duration(Math.round(((millis(silence.endsAt) ?? 0) - (millis(silence.startsAt) ?? 0)) / 1000))}</span></> },
    ...(state === "active" ? [{ key: "hides", title: "Hides", num: true, value: (silence: Silence) => hiddenBy(silence, alerts)?.length, cell: (silence: Silence) => count(hiddenBy(silence, alerts)?.length) }] : []),
    { key: "acts", title: "", class: "acts", cell: (silence) => <Acts silence={silence} again={again} /> },
  ];
  return (
    <>
      {silences.length > 5 && <div class="bar"><Filter placeholder="Filter by matcher, comment, author" /></div>}
      <Table rows={shown} columns={columns} rowKey={(silence) => silence.id} caption="Silences" sort={state === "expired" ? "-ends" : "ends"} detail={(silence) => <Hidden silence={silence} alerts={alerts} />} />
    </>
  );
}

function hiddenBy(silence: Silence, alerts: RoutedAlert[] | undefined): RoutedAlert[] | undefined {
  return alerts?.filter((alert) => alert.status.silencedBy.includes(silence.id));
}

function Matchers({ of }: { of: Matcher[] }) {
  return (
    <span class="labels">
      {of.map((matcher) => (
        <span key={written(matcher)} class="label" title={matcher.value.length > 80 ? `${matcher.value.length} characters` : undefined}>
          <bdi>{oneLine(cut(written(matcher), 120))}</bdi>
        </span>
      ))}
    </span>
  );
}

function Acts({ silence, again }: { silence: Silence; again: () => void }) {
  if (silence.status.state === "expired") {
    return (
      <button type="button" class="small" onClick={() => setQuery({ edit: silence.id }, "push")}>
        Make again
      </button>
    );
  }
  return (
    <>
      <button type="button" class="small" onClick={() => setQuery({ edit: silence.id }, "push")}>
        Change
      </button>{" "}
      <Confirm
        label="Expire"
        question={<>Alerts that it hides are told again from now on: <Matchers of={silence.matchers} /></>}
        act={async () => {
          await send("DELETE", `api/v2/silence/${encodeURIComponent(silence.id)}`);
          again();
        }}
      />
    </>
  );
}

function Hidden({ silence, alerts }: { silence: Silence; alerts: RoutedAlert[] | undefined }) {
  const hidden = hiddenBy(silence, alerts);
  return (
    <>
      <p class="quiet mono">{silence.id}</p>
      {silence.status.state === "active" && hidden && <p>{hidden.length === 0 ? "It hides no alert of now." : `It hides ${plural(hidden.length, "alert")}:`}</p>}
      {silence.status.state === "active" && (
        <ul>
          {hidden?.slice(0, 50).map((alert) => (
            <li key={alert.fingerprint}>
              <Tag>{alert.labels.severity ? <bdi>{oneLine(cut(alert.labels.severity, 30))}</bdi> : "alert"}</Tag> <b><Text of={alert.labels.alertname ?? ""} max={80} /></b> <Labels of={alert.labels} omit={["alertname", "severity"]} max={8} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
