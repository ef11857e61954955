/** show: what is behind a panel: the queries as they were really sent, the data as a table, the panel's JSON. In: a panel and its data. Out: a dialog. */
import { useState } from "preact/hooks";

import type { Panel, PanelData } from "../dashboard/model";
import { displayOf, nameOf, shownText } from "../panels/kit";
import { Copy } from "../parts/basics";
import { Dialog } from "../parts/controls";
import { href } from "../router";
import { asTables, csvOf } from "./dashboard-data";
import { download } from "./dashboard-panel";

export type InspectTab = "sent" | "data" | "json";

const ROWS = 500;
const COLUMNS = 100;

interface Props {
  tab: InspectTab;
  choose: (tab: InspectTab) => void;
  panel: Panel;
  title: string;
  data: PanelData;
  timezone: string;
  close: () => void;
}

export function Inspect({ tab, choose, panel, title, data, timezone, close }: Props) {
  const tabs: [InspectTab, string][] = [
    ["sent", "What was sent"],
    ["data", "Data"],
    ["json", "JSON"],
  ];
  return (
    <div class="inspect">
      <Dialog title={title || panel.type} onClose={close}>
        <div class="bar" role="group" aria-label="What to show">
          {tabs.map(([id, name]) => (
            <button key={id} type="button" aria-pressed={tab === id} onClick={() => choose(id)}>
              {name}
            </button>
          ))}
          <button type="button" class="right" onClick={() => download(`${title || panel.type}.csv`, csvOf(data.frames))}>
            CSV
          </button>
          <button type="button" onClick={close}>
            Close
          </button>
        </div>
        {tab === "sent" && <Sent data={data} />}
        {tab === "data" && <Data data={data} timezone={timezone} />}
        {tab === "json" && <pre class="inspect-text" tabIndex={0}>{JSON.stringify(panel, null, 2).slice(0, 200_000)}</pre>}
      </Dialog>
    </div>
  );
}

function Sent({ data }: { data: PanelData }) {
  if (data.sent.length === 0) return <p class="quiet">Nothing was asked.</p>;
  return (
    <div>
      {data.sent.map((one, at) => (
        <div key={at} class="sent">
          <h3>
            {one.refId} <small>{one.instant ? `at ${new Date(data.toMs).toISOString()}` : `${new Date(data.fromMs).toISOString()} to ${new Date(data.toMs).toISOString()}, step ${one.stepMs / 1000}s`}</small>
          </h3>
          <pre class="inspect-text" tabIndex={0}>{one.expr}</pre>
          <Copy text={one.expr} /> <a href={href("query", { "g0.expr": one.expr })}>Open in the query page</a>
        </div>
      ))}
      {data.error && <p class="bad">{data.error}</p>}
      {data.warnings.map((warning, at) => (
        <p key={at} class="warn">{warning}</p>
      ))}
    </div>
  );
}

function Data({ data, timezone }: { data: PanelData; timezone: string }) {
  const tables = asTables(data.frames);
  const [which, setWhich] = useState(0);
  const frame = tables[Math.min(which, tables.length - 1)];
  if (!frame) return <p class="quiet">No data.</p>;
  const fields = frame.fields.slice(0, COLUMNS);
  const displays = fields.map((field) => displayOf(field, timezone));
  return (
    <div>
      {tables.length > 1 && (
        <select aria-label="Which result" value={String(which)} onChange={(event) => setWhich(Number(event.currentTarget.value))}>
          {tables.slice(0, 1000).map((one, at) => (
            <option key={at} value={String(at)}>
              {(one.name || one.refId || `Result ${at + 1}`).slice(0, 120)}
            </option>
          ))}
        </select>
      )}
      <div class="inspect-table" tabIndex={0} role="region" aria-label="Data">
        <table>
          <thead>
            <tr>
              {fields.map((field, at) => (
                <th key={at} class={field.type === "number" ? "num" : ""}>
                  {nameOf(field, frame, tables).slice(0, 200)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: Math.min(ROWS, frame.length) }, (_, row) => (
              <tr key={row}>
                {fields.map((field, at) => (
                  <td key={at} class={field.type === "number" ? "num" : "nowrap"}>
                    {shownText(displays[at]!(field.values[row])).slice(0, 300)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(frame.length > ROWS || frame.fields.length > COLUMNS) && (
        <p class="quiet">
          The first {ROWS} of {frame.length} rows, {fields.length} of {frame.fields.length} columns; the CSV has all.
        </p>
      )}
    </div>
  );
}
