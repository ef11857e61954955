/** show: the dashboards of the folder: by folder, with tags, how many of their panels are drawn, and what is wrong with a file. In: the server's list, the files for the count. */
import { useEffect, useState } from "preact/hooks";

import { file, get, useAsked } from "../api";
import { countPanels, loadDashboard } from "../dashboard/load";
import { encoded } from "../match";
import { Ago, Empty, ErrorLine, Loading } from "../parts/basics";
import { Filter, filtered } from "../parts/controls";
import { plural } from "../parts/number";
import { href, place, setQuery } from "../router";
import type { PageProps } from "../routes";
import "./dashboard.css";

export interface Entry {
  uid: string;
  title: string;
  description: string | null;
  tags: string[];
  folder: string;
  file: string;
  form: string | null;
  panels: number | null;
  etag: string | null;
  modifiedAt: string | null;
  editable: boolean;
  problem: string | null;
  warnings: string[];
}

export interface DashboardsAnswer {
  data: { edit: { allowed: boolean; because: string | null }; dashboards: Entry[] };
}

export default function Dashboards(_: PageProps) {
  const list = useAsked((abort) => get<DashboardsAnswer>("api/bellbuoy/dashboards", {}, abort), "dashboards", 5000);
  const entries = list.data?.data.dashboards ?? [];
  const counts = useCounts(entries);
  const tag = place.value.query.get("tag") ?? "";
  const tags = [...new Set(entries.flatMap((entry) => entry.tags))].sort();
  const shown = filtered(entries, (entry) => [entry.title, entry.folder, entry.file, ...entry.tags].join(" ")).filter((entry) => !tag || entry.tags.includes(tag));
  const folders = [...new Set(shown.map((entry) => entry.folder))];
  return (
    <div class="dashboards">
      <h1>Dashboards</h1>
      {list.error && <ErrorLine error={list.error} again={list.again} />}
      {!list.data && !list.error && <Loading />}
      {list.data && entries.length === 0 && (
        <Empty title="No dashboards" because="No file of the folder is a Grafana dashboard." todo="Put a dashboard's JSON anywhere below the folder that bellbuoy runs; it is found by its contents and shown within seconds." />
      )}
      {entries.length > 0 && (
        <div class="bar">
          <Filter placeholder="Search dashboards" />
          <span class="tags" role="group" aria-label="Tags">
            {tags.slice(0, 40).map((one) => (
              <button key={one} type="button" class="tag" aria-pressed={one === tag} onClick={() => setQuery({ tag: one === tag ? undefined : one })}>
                {one.slice(0, 60)}
              </button>
            ))}
          </span>
        </div>
      )}
      {entries.length > 0 && shown.length === 0 && <p class="quiet">{entries.length === 1 ? "The only dashboard does not fit." : `None of ${entries.length} dashboards fits.`}</p>}
      {folders.map((folder) => (
        <section key={folder}>
          {(folders.length > 1 || folder !== "") && <h2>{folder || "Without a folder"}</h2>}
          <ul class="dashboard-list">
            {shown
              .filter((entry) => entry.folder === folder)
              .map((entry) => (
                <Item key={entry.file} entry={entry} count={counts.get(keyOf(entry))} />
              ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Item({ entry, count }: { entry: Entry; count?: Count }) {
  return (
    <li class="card">
      <div class="dashboard-name">
        {entry.problem ? (
          <b>
            <bdi>{entry.title.slice(0, 200)}</bdi>
          </b>
        ) : (
          <a href={href(["dashboards", entry.uid])}>
            <bdi>{entry.title.slice(0, 200)}</bdi>
          </a>
        )}
        {count && (
          <span class={count.drawable < count.panels ? "tag warn" : "tag"}>{count.drawable === count.panels ? plural(count.panels, "panel") : `${count.drawable} of ${plural(count.panels, "panel")}`}</span>
        )}
      </div>
      {entry.description && <p class="quiet">{entry.description.slice(0, 300)}</p>}
      {entry.problem && <p class="bad">{entry.problem.slice(0, 500)}</p>}
      {entry.warnings.slice(0, 10).map((warning, at) => (
        <p key={at} class="warn">{warning.slice(0, 300)}</p>
      ))}
      <p class="dashboard-facts">
        <code>{entry.file}</code>
        {entry.modifiedAt && <Ago at={entry.modifiedAt} />}
        {entry.tags.slice(0, 12).map((tag) => (
          <span key={tag} class="tag">
            {tag.slice(0, 60)}
          </span>
        ))}
      </p>
    </li>
  );
}

interface Count {
  panels: number;
  drawable: number;
}

const counted = new Map<string, Count>();
const keyOf = (entry: Entry): string => `${entry.uid} ${entry.etag}`;
const COUNTED_MAX = 200;

/** Reads each file once, one after another: how many of its panels are drawn only the pages know. */
function useCounts(entries: Entry[]): Map<string, Count> {
  const [, again] = useState(0);
  const wanted = entries.filter((entry) => !entry.problem).slice(0, COUNTED_MAX);
  useEffect(() => {
    const abort = new AbortController();
    void (async () => {
      for (const entry of wanted) {
        if (abort.signal.aborted) return;
        if (counted.has(keyOf(entry))) continue;
        try {
          const found = await file(`api/bellbuoy/dashboards/${encoded(entry.uid)}`, "", abort.signal);
          if (found) counted.set(keyOf(entry), countPanels(loadDashboard(JSON.parse(found.text.replace(/^\uFEFF/, "")))));
        } catch {
          continue;
        }
        again((turn) => turn + 1);
      }
    })();
    return () => abort.abort();
  }, [wanted.map(keyOf).join()]);
  return counted;
}
