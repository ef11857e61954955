/**
 * show: the frame of one panel: title, notes, menu, and its drawing while it is near to what is seen. In: a panel, the page's scope. Out: requests only while in sight. A refresh waits
 * for the one before it; a change of the range or of a variable drops it.
 */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { askServer } from "../dashboard/ask";
import { interpolate, lookupIn } from "../dashboard/interpolate";
import { panelLinks } from "../dashboard/links";
import type { Dashboard, Panel, PanelData } from "../dashboard/model";
import { runPanel } from "../dashboard/query";
import { panelRange } from "../dashboard/range";
import { csvOf } from "./dashboard-data";
import { setRange } from "./dashboard-bar";
import type { Live } from "./dashboard-state";
import { Inspect, type InspectTab } from "./dashboard-inspect";
import { Popover } from "./popover";
import { Anchor } from "../panels/links";
import { Drawing, needsNoQuery } from "../panels/panel";
import { setQuery } from "../router";

/** Data of more points than this is let go when the panel is far out of sight. */
const KEPT_POINTS_MAX = 50_000;

interface Props {
  panel: Panel;
  live: Live;
  dashboard: Dashboard;
  /** Alone on the page. */
  alone?: boolean;
  editable: boolean;
  /** Called with each answer. */
  told?: (data: PanelData) => void;
}

export function PanelFrame({ panel, live, dashboard, alone = false, editable, told }: Props) {
  const root = useRef<HTMLElement>(null);
  const near = useNear(root);
  const [width, setWidth] = useState(0);
  const [data, setData] = useState<PanelData>();
  const [busy, setBusy] = useState(false);
  const [inspect, setInspect] = useState<InspectTab>();
  const under = useRef<{ abort: AbortController; panel: Panel } | undefined>(undefined);
  const ran = useRef<{ version: number; panel: Panel } | undefined>(undefined);
  const { scope } = live;

  useLayoutEffect(() => setWidth(Math.max(100, (root.current?.clientWidth ?? 600) - 70)), [alone]);

  useEffect(() => {
    if (!near || width === 0 || (ran.current?.version === live.version && ran.current.panel === panel)) return;
    if (under.current && under.current.panel === panel && live.cause === "refresh") return;
    under.current?.abort.abort();
    const abort = new AbortController();
    under.current = { abort, panel };
    const version = live.version;
    setBusy(true);
    runPanel(panel, scope, askServer, width, abort.signal).then(
      (found) => {
        if (abort.signal.aborted) return;
        under.current = undefined;
        ran.current = { version, panel };
        setBusy(false);
        // While an error lasts, what was found before stays.
        setData((before) => ({ ...(found.state === "error" && found.frames.length === 0 && before ? { ...found, frames: before.frames } : found), annotations: live.annotations }));
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        under.current = undefined;
        setBusy(false);
        setData((before) => ({ ...(before ?? empty(live)), state: "error", error: error instanceof Error ? error.message : String(error) }));
      },
    );
  }, [near, width, live, panel]);
  useEffect(() => () => under.current?.abort.abort(), []);
  useEffect(() => void (data && told?.(data)), [data]);
  useEffect(() => {
    if (near || !data || data.frames.reduce((sum, frame) => sum + frame.length * frame.fields.length, 0) < KEPT_POINTS_MAX) return;
    const timer = setTimeout(() => {
      ran.current = undefined;
      setData(undefined);
    }, 10_000);
    return () => clearTimeout(timer);
  }, [near]);

  // A title may say `$__interval`: that of its first query.
  const lookup = lookupIn(scope, panel, data?.sent[0]?.macros);
  const fill = (text: string) => interpolate(text, lookup, "text");
  const title = fill(panel.title);
  const said = panel.hideTimeOverride ? "" : panelRange(panel, scope).said;
  const standing = needsNoQuery(panel.type) || panel.undrawable !== undefined;
  const shown = data ?? (standing ? empty(live) : undefined);
  return (
    <section class={`panel ${panel.transparent ? "bare" : ""} type-${panel.type}`} ref={root} aria-label={title || panel.type} aria-busy={near && !shown && busy ? "true" : undefined} data-panel={panel.id} data-state={data?.state}>
      <header class={title || alone ? "panel-head" : "panel-head untitled"}>
        {busy && data && <i class="panel-busy" aria-hidden="true" />}
        <h2 title={title.slice(0, 500)}>
          <bdi>{title.slice(0, 300)}</bdi>
        </h2>
        {panel.description && <Note sign="i" title="Description" text={fill(panel.description)} />}
        {data && data.warnings.length > 0 && <Note sign="!" title="Warnings" text={data.warnings.join("\n")} tone="warn" />}
        {data?.error && data.frames.length > 0 && <Note sign="!" title="Error" text={data.error} tone="bad" />}
        {said && <small class="panel-said">{said}</small>}
        <PanelMenu panel={panel} title={title} live={live} data={data} alone={alone} editable={editable} inspect={setInspect} />
      </header>
      <div class="panel-body">
        {shown?.error && shown.frames.length === 0 ? (
          <div class="panel-empty bad" role="alert">
            <b>{shown.errorRefId ? `Query ${shown.errorRefId} failed` : "The query failed"}</b>
            <span>{shown.error.slice(0, 1000)}</span>
          </div>
        ) : near && shown ? (
          <Drawing
            panel={panel}
            data={shown}
            scope={scope}
            dashboard={dashboard}
            fill={fill}
            group={dashboard.graphTooltip > 0 ? `dashboard-${dashboard.uid}` : undefined}
            sharedTip={dashboard.graphTooltip === 2}
            zoom={setRange}
            zoomOut={() => setRange(scope.fromMs - (scope.toMs - scope.fromMs) / 2, scope.toMs + (scope.toMs - scope.fromMs) / 2)}
          />
        ) : null}
      </div>
      {inspect && data && <Inspect tab={inspect} choose={setInspect} panel={panel} title={title} data={data} timezone={scope.timezone} close={() => setInspect(undefined)} />}
    </section>
  );
}

function empty(live: Live): PanelData {
  return { state: "done", frames: [], fromMs: live.scope.fromMs, toMs: live.scope.toMs, stepMs: 0, warnings: [], sent: [], annotations: live.annotations };
}

/** A sign that says more when it is pointed at or pressed. */
function Note({ sign, title, text, tone = "" }: { sign: string; title: string; text: string; tone?: string }) {
  return (
    <Popover label={sign} title={title} class={`note ${tone}`}>
      {() => <p class="note-text">{text.slice(0, 5000)}</p>}
    </Popover>
  );
}

interface MenuProps {
  panel: Panel;
  title: string;
  live: Live;
  data?: PanelData;
  alone: boolean;
  editable: boolean;
  inspect: (tab: InspectTab) => void;
}

function PanelMenu({ panel, title, live, data, alone, editable, inspect }: MenuProps) {
  const links = panelLinks(panel, live.scope);
  const item = (text: string, act: () => void) => (
    <li>
      <button type="button" onClick={act}>
        {text}
      </button>
    </li>
  );
  return (
    <Popover label="⋮" title={`Menu of ${title || panel.type}`} class="panel-menu">
      {(close) => {
        const then = (act: () => void) => () => {
          close();
          act();
        };
        return (
          <ul class="menu-items">
            {alone ? item("Back to the dashboard", then(() => setQuery({ viewPanel: undefined, editPanel: undefined }, "push"))) : item("View alone", then(() => setQuery({ viewPanel: String(panel.id), editPanel: undefined }, "push")))}
            {panel.targets.length > 0 && item(editable ? "Edit the queries" : "Try other queries", then(() => setQuery({ editPanel: String(panel.id), viewPanel: undefined }, "push")))}
            {data && data.sent.length > 0 && item("What was really sent", then(() => inspect("sent")))}
            {data && data.frames.length > 0 && item("Data as a table", then(() => inspect("data")))}
            {data && data.frames.length > 0 && item("Download as CSV", then(() => download(`${title || panel.type}.csv`, csvOf(data.frames))))}
            {data && item("Its JSON", then(() => inspect("json")))}
            {links.map((link, at) => (
              <li key={at}>
                <Anchor link={link}>{link.title.slice(0, 100)}</Anchor>
                {link.why !== undefined && <small class="quiet"> not followed: {link.why.slice(0, 200)}</small>}
              </li>
            ))}
          </ul>
        );
      }}
    </Popover>
  );
}

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name.replace(/[^\w .-]+/g, "_").slice(0, 120);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

const watched = new WeakMap<Element, (near: boolean) => void>();
let eyes: IntersectionObserver | undefined;

/** Not made where it is used: its callback, which lives on, would hold the first panel that was ever watched. */
function observer(): IntersectionObserver {
  return (eyes ??= new IntersectionObserver((entries) => entries.forEach((entry) => watched.get(entry.target)?.(entry.isIntersecting)), { rootMargin: "250px 0px" }));
}

/** Whether an element is in sight or soon will be. */
function useNear(ref: { current: Element | null }): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    watched.set(element, setNear);
    observer().observe(element);
    return () => {
      watched.delete(element);
      eyes?.unobserve(element);
    };
  }, []);
  return near;
}
