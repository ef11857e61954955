/** show: the answer to a query over time. In: a matrix. Out: a chart, and a table as its legend: a click shows one series alone. Dragging zooms. */
import { useMemo, useState } from "preact/hooks";

import type { Question } from "./address";
import type { Answer, Sample } from "./ask";
import type { Exemplar } from "../dashboard/exemplars";
import { exemplarLinks } from "../panels/exemplar-links";
import { colourOf, TimeChart } from "../panels/timechart";
import { grid, type Range } from "./grid";
import { number } from "../parts/number";
import { cut, oneLine, seriesText } from "../parts/text";

const LINES_MAX = 250;
const LEGEND_MAX = 100;

export function Graph({ of, range, question, change, exemplars }: { of: Answer; range: Range; question: Question; change: (next: Question) => void; exemplars?: Exemplar[] }) {
  const [alone, setAlone] = useState<string>();
  const links = exemplars?.length ? exemplarLinks().value : undefined;
  const result = (of.data.result as Sample[]) ?? [];
  const { times, lines } = useMemo(() => {
    const made = grid(result.slice(0, LINES_MAX), range);
    return { times: made.times, lines: made.series.map((series, index) => ({ name: seriesText(series.labels) || "value", values: series.values, colour: colourOf(index) })) };
  }, [of]);
  if (of.data.resultType !== "matrix") return <p class="empty">A text cannot be drawn.</p>;
  if (result.length === 0) return <p class="empty">No series in this time. The tab Explain shows which part of the query comes out empty.</p>;
  const chosen = lines.some((line) => line.name === alone) ? alone : undefined;
  const shown = chosen === undefined ? lines : lines.filter((line) => line.name === chosen);
  const zoom = (from: number, to: number) => change({ ...question, rangeSeconds: Math.max(1, Math.round(to - from)), end: Math.round(to), stepSeconds: undefined });
  return (
    <>
      <TimeChart label={`Graph of ${cut(question.expr, 200)}`} height={320} times={times} lines={shown} area={question.stacked} from={range.start} to={range.end} zoom={zoom} exemplars={exemplars} exemplarLinks={links} />
      {exemplars?.length === 0 && <p class="quiet">No exemplars of these series in this time.</p>}
      {result.length > LINES_MAX && <p class="warn">The first {LINES_MAX} of {result.length} series are drawn.</p>}
      <table class="legend">
        <caption class="unseen">Legend</caption>
        <thead>
          <tr>
            <th>Series</th>
            <th class="num">Last</th>
            <th class="num">Min</th>
            <th class="num">Mean</th>
            <th class="num">Max</th>
          </tr>
        </thead>
        <tbody>
          {lines.slice(0, LEGEND_MAX).map((line, index) => {
            const known = line.values.filter((value): value is number => value !== null);
            return (
              <tr key={index} class={chosen !== undefined && chosen !== line.name ? "faded" : ""}>
                <td>
                  <button type="button" class="plain" aria-pressed={chosen === line.name} onClick={() => setAlone(chosen === line.name ? undefined : line.name)}>
                    <i ref={(el) => void (el && (el.style.background = line.colour))} /> <code>{oneLine(cut(line.name, 600))}</code>
                  </button>
                </td>
                <td class="num">{number(known.at(-1))}</td>
                <td class="num">{known.length > 0 ? number(known.reduce((a, b) => Math.min(a, b))) : "–"}</td>
                <td class="num">{known.length > 0 ? number(known.reduce((a, b) => a + b, 0) / known.length) : "–"}</td>
                <td class="num">{known.length > 0 ? number(known.reduce((a, b) => Math.max(a, b))) : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {lines.length > LEGEND_MAX && <p class="quiet">and {lines.length - LEGEND_MAX} more series</p>}
    </>
  );
}
