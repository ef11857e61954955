/**
 * show: a dashboard. In: its uid in the address, the file, the server's answers. Out: panels on a grid of 24 columns, one column on a phone. What a person chose is in the address by Grafana's names:
 * `from`, `to`, `timezone`, `refresh`, `var-NAME`, `viewPanel`, and `editPanel`.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { get, useAsked } from "../api";
import { dependsOnData, shownPanels, type HaveData } from "../dashboard/condition";
import { interpolate, lookupIn } from "../dashboard/interpolate";
import { dashboardLinks, type Ready } from "../dashboard/links";
import { countPanels } from "../dashboard/load";
import { askServer } from "../dashboard/ask";
import type { Dashboard, Panel, PanelData } from "../dashboard/model";
import { runPanel } from "../dashboard/query";
import { expandRepeats } from "../dashboard/repeat";
import { Anchor } from "../panels/links";
import { href, place } from "../router";
import type { PageProps } from "../routes";
import { TimeBar } from "./dashboard-bar";
import { Edit } from "./dashboard-edit";
import { placedPanels, tabsOf, type Placed } from "./dashboard-layout";
import { PanelFrame } from "./dashboard-panel";
import { chosenTimes, useDashboard, useLive, type Live, type Opened } from "./dashboard-state";
import { PanelTabs } from "./dashboard-tabs";
import { Popover } from "./popover";
import { VariablesBar } from "./dashboard-variables";
import type { DashboardsAnswer } from "./dashboards";
import "./dashboard.css";
import { plural } from "../parts/number";

/** Panels that are asked without being drawn. */
const PROBES_MAX = 50;
const PROBE_WIDTH = 600;

export default function DashboardPage({ params }: PageProps) {
  const uid = params.uid ?? "";
  const opened = useDashboard(uid);
  const { dashboard } = opened;
  const { live, refreshNow, working } = useLive(dashboard);
  const list = useAsked((abort) => get<DashboardsAnswer>("api/bellbuoy/dashboards", {}, abort), "dashboards", 30_000);
  useEffect(() => {
    if (dashboard) document.title = `${dashboard.title} · bellbuoy`;
  }, [dashboard?.title]);
  if (!dashboard) {
    return opened.error ? (
      <>
        <h1>Dashboard</h1>
        <p class="error-line">{opened.error}</p>
        <p>
          <a href={href("dashboards")}>All dashboards</a>
        </p>
      </>
    ) : (
      <p class="quiet" aria-busy="true">
        Loading…
      </p>
    );
  }
  const times = chosenTimes(dashboard);
  const entry = list.data?.data.dashboards.find((one) => one.uid === uid);
  const ready = live && live.scope.dashboard?.uid === dashboard.uid ? live : undefined;
  return (
    <div class="dashboard">
      <div class="dashboard-head">
        <nav aria-label="Where" class="crumbs">
          <a href={href("dashboards")}>Dashboards</a>
          {entry?.folder ? ` / ${entry.folder}` : ""}
        </nav>
        <div class="dashboard-line">
          <h1 title={dashboard.description || undefined}>
            <bdi>{ready ? interpolate(dashboard.title, lookupIn(ready.scope), "text").slice(0, 200) : dashboard.title.slice(0, 200)}</bdi>
          </h1>
          <Badge dashboard={dashboard} />
          <TimeBar {...times} ownZone={dashboard.timezone} scope={ready?.scope} refreshNow={refreshNow} working={working} />
        </div>
        {ready && <VariablesBar scope={ready.scope} />}
        {ready && <Links dashboard={dashboard} live={ready} others={list.data?.data.dashboards ?? []} />}
        <Notices opened={opened} dashboard={dashboard} live={ready} />
      </div>
      {ready ? <Panels key={uid} opened={opened} dashboard={dashboard} live={ready} list={list.data} /> : <p class="quiet" aria-busy="true">Asking for variables…</p>}
    </div>
  );
}

/** How much of the file is drawn; silent when all is. */
function Badge({ dashboard }: { dashboard: Dashboard }) {
  const { panels, drawable } = countPanels(dashboard);
  return (
    <span class={drawable < panels ? "tag warn" : "tag"} title={drawable < panels ? "The others say in their place why they are not drawn" : "Every panel of the file is drawn"}>
      {drawable === panels ? plural(panels, "panel") : `${drawable} of ${plural(panels, "panel")}`}
    </span>
  );
}

function Links({ dashboard, live, others }: { dashboard: Dashboard; live: Live; others: { uid: string; title: string; tags: string[] }[] }) {
  const links = dashboardLinks(dashboard, live.scope, others);
  if (links.length === 0) return null;
  const lists = [...new Set(links.flatMap((link) => link.list ?? []))];
  const anchor = (link: Ready, at: number) => (
    <Anchor key={at} link={link}>
      {link.title.slice(0, 100)}
    </Anchor>
  );
  return (
    <nav class="dashboard-links" aria-label="Links of the dashboard">
      {links.filter((link) => link.list === undefined).slice(0, 50).map(anchor)}
      {lists.slice(0, 20).map((list) => (
        <Popover key={list} label={`${list.slice(0, 60)} ▾`} title={list.slice(0, 60)} class="link-list">
          {() => (
            <ul class="menu-items">
              {links.filter((link) => link.list === list).slice(0, 200).map((link, at) => (
                <li key={at}>{anchor(link, at)}</li>
              ))}
            </ul>
          )}
        </Popover>
      ))}
    </nav>
  );
}

function Notices({ opened, dashboard, live }: { opened: Opened; dashboard: Dashboard; live?: Live }) {
  const [changes, setChanges] = useState(opened.changes);
  const fresh = opened.changes > changes;
  useEffect(() => {
    if (!fresh) return;
    const timer = setTimeout(() => setChanges(opened.changes), 6000);
    return () => clearTimeout(timer);
  }, [opened.changes]);
  const problems = [...dashboard.problems, ...(live?.problems ?? [])];
  return (
    <>
      {opened.error && <p class="error-line">{opened.error} What was read before is shown.</p>}
      {fresh && !opened.error && <p class="notice" role="status">The file has changed and was read again.</p>}
      {problems.length > 0 && (
        <details class="problems">
          <summary>
            {problems.length} {problems.length === 1 ? "remark" : "remarks"} on this file
          </summary>
          <ul>
            {problems.slice(0, 100).map((problem, at) => (
              <li key={at}>{problem.slice(0, 500)}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Panels({ opened, dashboard, live, list }: { opened: Opened & { again: () => void }; dashboard: Dashboard; live: Live; list?: DashboardsAnswer }) {
  const [turned, setTurned] = useState<ReadonlySet<number>>(new Set());
  const [memory] = useState(() => new Map<string, Panel>());
  const chosen = JSON.stringify(Object.entries(live.scope.variables).map(([name, { current, variable }]) => [name, current.value, variable.options.length]));
  const { panels: all, dropped } = useMemo(() => {
    const made = expandRepeats(dashboard.panels, live.scope.variables);
    return { ...made, panels: made.panels.map((panel) => same(memory, panel)) };
  }, [dashboard, chosen]);
  const [haveData, setHaveData] = useState<HaveData>(new Map());
  const panels = useMemo(() => shownPanels(all, live.scope, haveData), [all, live.scope.toMs - live.scope.fromMs, haveData]);
  const told = (panel: Panel, data: PanelData) => setHaveData((before) => withData(before, panel.id, data));
  // Those that are not shown for want of data are asked all the same; so they come when there are some. Shown ones ask by themselves, when they are near.
  const unseen = all.filter((panel) => dependsOnData(panel) && !(haveData.has(panel.id) && panels.includes(panel))).slice(0, PROBES_MAX);
  const { query } = place.value;
  const titleOf = (row: Panel) => interpolate(row.title, lookupIn(live.scope, row), "text").slice(0, 200);
  const tabs = tabsOf(panels, titleOf);
  const tab = tabs.find((one) => one.slug === query.get("dtab")) ?? tabs[0];
  const placed = useMemo(() => placedPanels(tab?.panels ?? panels, turned), [panels, turned, tab?.slug]);
  const wanted = (query.get("editPanel") ?? query.get("viewPanel") ?? "").replace(/^panel-/, "");
  const everything = all.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  const one = wanted ? everything.find((panel) => String(panel.id) === wanted && panel.type !== "row") : undefined;
  const edit = list?.data.edit;
  if (one && query.has("editPanel")) return <Edit key={one.id} panel={one} live={live} dashboard={dashboard} text={opened.text} etag={opened.etag} edit={edit} saved={opened.again} />;
  if (one) {
    return (
      <div class="alone">
        <PanelFrame key={one.id} panel={one} live={live} dashboard={dashboard} alone editable={edit?.allowed === true} />
      </div>
    );
  }
  const turn = (id: number) => {
    const next = new Set(turned);
    if (!next.delete(id)) next.add(id);
    setTurned(next);
  };
  return (
    <>
      {wanted && <p class="error-line">There is no panel {wanted.slice(0, 40)} in this dashboard; all are shown.</p>}
      {dropped > 0 && <p class="quiet">{dropped} repetitions are not shown: choose fewer values above.</p>}
      {tabs.length > 0 && <PanelTabs tabs={tabs.map(({ slug, row }) => ({ slug, title: titleOf(row) || "Tab" }))} chosen={tab?.slug ?? ""} />}
      {placed.length === 0 && <p class="quiet">{tab ? "This tab" : "This dashboard"} has no panels.</p>}
      {unseen.map((panel) => (
        <Probe key={panel.id} panel={panel} live={live} told={told} />
      ))}
      <div class="grid" key={tab?.slug} {...(tab ? { id: "tab-panels", role: "tabpanel", "aria-labelledby": `tab-${tab.slug}` } : {})}>
        {placed.map((item) => (item.panel.type === "row" ? <Row key={item.panel.id} item={item} live={live} turn={turn} /> : <Cell key={item.panel.id} item={item} live={live} dashboard={dashboard} editable={edit?.allowed === true} told={dependsOnData(item.panel) ? told : undefined} />))}
      </div>
    </>
  );
}

type Told = (panel: Panel, data: PanelData) => void;

/** What failed is not known: an error is to be seen. */
function withData(before: HaveData, id: number, data: PanelData): HaveData {
  const has = data.state === "error" || data.error ? undefined : data.frames.some((frame) => frame.length > 0);
  if (before.get(id) === has) return before;
  const next = new Map(before);
  if (has === undefined) next.delete(id);
  else next.set(id, has);
  return next;
}

/** Asks for a panel that is not drawn, with each refresh; the one before is waited for, as a panel does. */
function Probe({ panel, live, told }: { panel: Panel; live: Live; told: Told }) {
  const under = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    if (under.current && live.cause === "refresh") return;
    under.current?.abort();
    const abort = new AbortController();
    under.current = abort;
    const done = (data?: PanelData) => {
      if (abort.signal.aborted) return;
      under.current = undefined;
      if (data) told(panel, data);
    };
    runPanel(panel, live.scope, askServer, PROBE_WIDTH, abort.signal).then(done, () => done());
  }, [live.version, panel]);
  useEffect(() => () => under.current?.abort(), []);
  return null;
}

/** The panel of before, when nothing in it changed: then nothing is asked or drawn again. */
function same(memory: Map<string, Panel>, panel: Panel): Panel {
  const { grid: _, ...rest } = panel;
  const key = JSON.stringify(rest);
  const known = memory.get(key);
  if (known) {
    if (JSON.stringify(known.grid) === JSON.stringify(panel.grid)) return known;
  }
  if (memory.size > 4000) memory.clear();
  memory.set(key, panel);
  return panel;
}

function spot(item: Placed): Record<string, string> {
  return { gridColumn: `${item.x + 1} / span ${item.w}`, gridRow: `${item.y + 1} / span ${item.h}`, "--rows": String(item.h) };
}

function Cell({ item, live, dashboard, editable, told }: { item: Placed; live: Live; dashboard: Dashboard; editable: boolean; told?: Told }) {
  return (
    <div class="slot" style={spot(item)}>
      <PanelFrame panel={item.panel} live={live} dashboard={dashboard} editable={editable} told={told && ((data) => told(item.panel, data))} />
    </div>
  );
}

function Row({ item, live, turn }: { item: Placed; live: Live; turn: (id: number) => void }) {
  const title = interpolate(item.panel.title, lookupIn(live.scope, item.panel), "text");
  return (
    <div class="slot row" style={spot(item)}>
      <button type="button" aria-expanded={item.open} onClick={() => turn(item.panel.id)}>
        <span aria-hidden="true">{item.open ? "▾" : "▸"}</span> <bdi>{title.slice(0, 200) || "Row"}</bdi> {!item.open && <small>({item.inside} panels)</small>}
      </button>
    </div>
  );
}
