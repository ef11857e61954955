/** show: the tabs of a dashboard. In: their names, which one is chosen. Out: `dtab` in the address, as Grafana has it. One stop of the tab key; arrows, Home and End go from tab to tab. */
import { setQuery } from "../router";

interface Props {
  tabs: { slug: string; title: string }[];
  chosen: string;
}

export function PanelTabs({ tabs, chosen }: Props) {
  const choose = (at: number) => setQuery({ dtab: at === 0 ? undefined : tabs[at]!.slug });
  const move = (event: KeyboardEvent, at: number) => {
    const to = { ArrowRight: (at + 1) % tabs.length, ArrowLeft: (at + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
    const next = (event.currentTarget as HTMLElement).parentElement?.children[to];
    if (next instanceof HTMLElement) next.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Tabs of the dashboard">
      {tabs.map(({ slug, title }, at) => (
        <button key={slug} type="button" role="tab" id={`tab-${slug}`} aria-controls="tab-panels" aria-selected={slug === chosen} tabIndex={slug === chosen ? 0 : -1} onClick={() => choose(at)} onKeyDown={(event) => move(event, at)}>
          <bdi>{title}</bdi>
        </button>
      ))}
    </div>
  );
}
