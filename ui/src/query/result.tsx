/** show: the answer to a query at one moment: a row per series. In: vectors, matrices, scalars, texts. Out: a table that sorts; what is too much is counted. */
import type { Answer, Sample } from "./ask";
import { Table } from "../parts/table";
import { cut, oneLine, seriesText, visible } from "../parts/text";
import { dateTime } from "../parts/time";

const ROWS_MAX = 5000;

export function ResultTable({ of, at }: { of: Answer; at: number | undefined }) {
  const { resultType, result } = of.data;
  if (resultType === "scalar" || resultType === "string") {
    const [time, value] = result as [number, string];
    return (
      <p>
        <b class="query-scalar">{visible(cut(String(value), 2000))}</b> <small>{resultType} at {dateTime(time * 1000)}</small>
      </p>
    );
  }
  const all = (result as Sample[]) ?? [];
  if (all.length === 0) {
    return (
      <p class="empty">
        No series: nothing matches {at === undefined ? "now" : `at ${dateTime(at * 1000)}`}. The tab Explain shows which part of the query comes out empty.
      </p>
    );
  }
  const rows = all.slice(0, ROWS_MAX).map((sample, index) => ({ index, name: seriesText(sample.metric), sample }));
  return (
    <>
      <Table
        rows={rows}
        caption="Result"
        rowKey={(row) => row.index}
        pageSize={250}
        columns={[
          { key: "series", title: "Series", value: (row) => row.name, cell: (row) => <code class="series">{oneLine(cut(row.name || "{}", 1200))}</code> },
          { key: "value", title: "Value", num: true, class: "nowrap", value: (row) => numeric(row.sample), cell: (row) => <Value sample={row.sample} /> },
        ]}
      />
      {all.length > ROWS_MAX && <p class="quiet">{all.length - ROWS_MAX} more series are not shown.</p>}
    </>
  );
}

function numeric(sample: Sample): number | null {
  const text = sample.value?.[1] ?? sample.values?.at(-1)?.[1];
  if (text === undefined) return null;
  return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}

function Value({ sample }: { sample: Sample }) {
  if (sample.value) return <b>{cut(sample.value[1], 60)}</b>;
  if (sample.histogram) return <span title={cut(JSON.stringify(sample.histogram[1]), 2000)}>histogram</span>;
  const values = sample.values ?? [];
  return (
    <span class="query-values">
      {values.slice(-12).map(([at, value], index) => (
        <span key={index}>
          {cut(value, 40)} <small>@{at}</small>
        </span>
      ))}
      {values.length > 12 && <small>the newest 12 of {values.length}</small>}
    </span>
  );
}
