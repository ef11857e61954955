/** show: the drawing of a panel by its type. Types that few dashboards have come as chunks of their own; what cannot be drawn says why. In: a panel and its data. Out: its inside. */
import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

import BarGauge from "./bargauge";
import Gauge from "./gauge";
import type { Shown } from "./kit";
import Placeholder, { Empty } from "./placeholder";
import Stat from "./stat";
import TimeSeries from "./timeseries";
import "./panels.css";

const HERE: Record<string, ComponentType<Shown>> = { timeseries: TimeSeries, stat: Stat, gauge: Gauge, bargauge: BarGauge };

const LATER: Record<string, () => Promise<{ default: ComponentType<Shown> }>> = {
  table: () => import("./table"),
  piechart: () => import("./piechart"),
  text: () => import("./text"),
  heatmap: () => import("./heatmap"),
  histogram: () => import("./histogram"),
  "state-timeline": () => import("./lanes"),
  "status-history": () => import("./lanes"),
  barchart: () => import("./barchart"),
  alertlist: () => import("./alertlist"),
  dashlist: () => import("./dashlist"),
};

/** Whether a panel shows something without asking a query. */
export const needsNoQuery = (type: string): boolean => ["text", "alertlist", "dashlist", "row"].includes(type);

const loaded = new Map<string, ComponentType<Shown>>();

export function Drawing(shown: Shown) {
  const { panel, data } = shown;
  const [, again] = useState(0);
  const [failed, setFailed] = useState(false);
  const Shape = HERE[panel.type] ?? loaded.get(panel.type);
  useEffect(() => {
    if (HERE[panel.type] || loaded.has(panel.type) || !LATER[panel.type]) return;
    let gone = false;
    LATER[panel.type]!().then(
      (module) => {
        loaded.set(panel.type, module.default);
        if (!gone) again((turn) => turn + 1);
      },
      () => gone || setFailed(true),
    );
    return () => void (gone = true);
  }, [panel.type]);
  if (panel.undrawable) return <Placeholder panel={panel} reason={panel.undrawable} />;
  if (!Shape && !LATER[panel.type]) return <Placeholder panel={panel} reason={`Panels of the type "${panel.type}" are not drawn here.`} />;
  if (failed) return <Placeholder panel={panel} reason="The part that draws it could not be loaded; bellbuoy may have been updated. Load the page again." />;
  if (!Shape) return <div class="panel-empty" aria-busy="true" />;
  const nothing = !needsNoQuery(panel.type) && data.frames.every((frame) => frame.length === 0);
  if (nothing) return <Empty data={data} />;
  return (
    <Guard panel={shown.panel} key={panel.type}>
      <Shape {...shown} />
    </Guard>
  );
}

/** One panel that breaks leaves the others standing. */
class Guard extends Component<{ panel: Shown["panel"]; children: ComponentChildren }, { broken?: string }> {
  override state: { broken?: string } = {};
  static override getDerivedStateFromError(error: unknown) {
    return { broken: error instanceof Error ? error.message : String(error) };
  }
  override componentDidUpdate(before: { panel: Shown["panel"] }) {
    if (this.state.broken !== undefined && before.panel !== this.props.panel) this.setState({ broken: undefined });
  }
  render() {
    if (this.state.broken !== undefined) return <Placeholder panel={this.props.panel} reason={`Drawing it broke: ${this.state.broken}`} />;
    return this.props.children;
  }
}
