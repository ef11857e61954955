/** show: a query as a tree, with what each part gives. In: the parts by the server. Out: nested lines with counts; a part points at its place in the text. */
import { useState } from "preact/hooks";

import { seriesText, cut, oneLine, visible } from "../parts/text";
import { number, plural } from "../parts/number";
import { duration } from "../parts/time";
import type { Labels } from "../shapes";

export interface Node {
  id: number;
  parent: number | null;
  depth: number;
  start: number;
  end: number;
  text: string;
  type: string;
  label: string;
  valueType: "scalar" | "vector" | "matrix" | "string";
  series: number | null;
  samples: number | null;
  value: string | null;
  seconds: number | null;
  labels: Record<string, number>;
  examples: { metric: Labels; value: string }[];
  error: string | null;
  warnings: string[];
}

export interface Explained {
  at: string;
  query: string;
  tookSeconds: number;
  truncated: boolean;
  nodes: Node[];
}

const TYPES: Record<string, string> = {
  vectorSelector: "series", matrixSelector: "range of series", aggregation: "aggregates", binaryExpr: "combines", call: "function", subquery: "subquery", numberLiteral: "number", stringLiteral: "text", parenExpr: "brackets", unaryExpr: "sign",
};

export function Tree({ of, point }: { of: Explained; point: (from: number, to: number) => void }) {
  return (
    <>
      <ol class="tree" aria-label="Parts of the query">
        {of.nodes.map((node) => (
          <Part key={node.id} node={node} point={point} />
        ))}
      </ol>
      {of.truncated && <p class="warn">The query has more parts, or took too long; the others were not evaluated.</p>}
    </>
  );
}

function Part({ node, point }: { node: Node; point: (from: number, to: number) => void }) {
  const [open, setOpen] = useState(false);
  const empty = node.error === null && node.series === 0;
  const names = Object.entries(node.labels);
  return (
    <li class={`tree-node ${node.error ? "failed" : empty ? "empty" : ""}`} ref={(el) => void (el && el.style.setProperty("--depth", String(Math.min(node.depth, 16))))}>
      <div class="tree-line">
        <button type="button" class="plain tree-text" title={cut(node.text, 600)} onClick={() => point(node.start, node.end)}>
          <code>{oneLine(cut(node.label || node.text, 200))}</code>
        </button>
        <small class="quiet">{TYPES[node.type] ?? node.type}</small>
        <span class="tree-count">{result(node)}</span>
        {node.seconds !== null && <small class="quiet num">{duration(node.seconds)}</small>}
        {node.examples.length > 0 && node.valueType !== "scalar" && (
          <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "hide" : "show"}
          </button>
        )}
      </div>
      {node.error && <p class="bad">{visible(cut(node.error, 400))}</p>}
      {empty && <p class="warn">Nothing comes out of this part.</p>}
      {node.warnings.map((warning, index) => (
        <p key={index} class="warn">{visible(cut(warning, 300))}</p>
      ))}
      {names.length > 0 && (
        <p class="tree-labels">
          {names.slice(0, 12).map(([name, values]) => (
            <span key={name} class="label">
              <bdi>{oneLine(cut(name, 60))}</bdi> {plural(values, "value")}
            </span>
          ))}
        </p>
      )}
      {open && (
        <ul class="tree-examples">
          {node.examples.map((example, index) => (
            <li key={index}>
              <code>{cut(seriesText(example.metric), 300)}</code> <b>{cut(example.value, 80)}</b>
            </li>
          ))}
          {node.series !== null && node.series > node.examples.length && <li class="quiet">and {node.series - node.examples.length} more</li>}
        </ul>
      )}
    </li>
  );
}

function result(node: Node) {
  if (node.error) return <b class="bad">not evaluated</b>;
  if (node.valueType === "scalar" || node.valueType === "string") return <b>{node.value === null ? "–" : shown(node.value)}</b>;
  return (
    <>
      <b>{plural(node.series ?? 0, "series", "series")}</b>
      {node.samples !== null && node.valueType === "matrix" && <small> {plural(node.samples, "sample")}</small>}
      {node.series === 1 && node.value !== null && <small> = {shown(node.value)}</small>}
    </>
  );
}

function shown(text: string): string {
  const value = Number(text);
  return Number.isNaN(value) ? cut(text, 60) : number(value);
}
