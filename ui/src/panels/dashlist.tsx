/** show: the panel dashlist: other dashboards of the folder, by tags or words. */
import { get, useAsked } from "../api";
import { href } from "../router";
import { strings, type Shown } from "./kit";

export interface Listed {
  uid: string;
  title: string;
  tags: string[];
  folder: string;
  problem: string | null;
}

export default function DashList({ panel, fill }: Shown) {
  const list = useAsked((abort) => get<{ data: { dashboards: Listed[] } }>("api/bellbuoy/dashboards", {}, abort), "dashlist", 30_000);
  if (!list.data) return <div class="panel-empty">{list.error ? list.error.message : "Loading…"}</div>;
  const tags = strings(panel.options.tags);
  const words = (fill ? fill(String(panel.options.query ?? "")) : String(panel.options.query ?? "")).toLowerCase();
  const most = typeof panel.options.maxItems === "number" && panel.options.maxItems > 0 ? panel.options.maxItems : 30;
  const found = list.data.data.dashboards.filter((one) => !one.problem && tags.every((tag) => one.tags.includes(tag)) && one.title.toLowerCase().includes(words));
  if (found.length === 0) return <div class="panel-empty">No dashboard fits.</div>;
  return (
    <ul class="dash-items">
      {found.slice(0, most).map((one) => (
        <li key={one.uid}>
          <a href={href(["dashboards", one.uid])}>
            <bdi>{one.title.slice(0, 200)}</bdi>
          </a>
          {one.folder && <small>{one.folder.slice(0, 80)}</small>}
        </li>
      ))}
    </ul>
  );
}
