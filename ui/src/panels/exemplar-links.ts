/** show: where traces are, as the data sources' files say. Out: asked once for a page; none while it is not known. */
import { signal, type ReadonlySignal } from "@preact/signals";

import { get } from "../api";
import type { ExemplarLink } from "../dashboard/exemplars";
import { objects, text } from "../dashboard/loose";

const known = signal<ExemplarLink[]>([]);
let asked = false;

export function exemplarLinks(): ReadonlySignal<ExemplarLink[]> {
  if (!asked) {
    asked = true;
    get<{ data: { links?: unknown } }>("api/bellbuoy/exemplar_links").then(
      ({ data }) => (known.value = objects(data.links).map((one) => ({ label: text(one.label), url: text(one.url), title: text(one.title), query: one.query === true, why: text(one.why) || undefined }))),
      // The next chart with exemplars asks again.
      () => (asked = false),
    );
  }
  return known;
}
