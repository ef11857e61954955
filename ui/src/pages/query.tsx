/**
 * show: ask the store. In: queries of the address, as Prometheus writes them. Out: tables, graphs, explain trees. Each run is an entry in the
 * browser's history, so that back leads to the query before.
 */
import { computed } from "@preact/signals";
import { useState } from "preact/hooks";

import type { PageProps } from "../routes";
import { storedSeconds } from "../overview";
import { base, go, place } from "../router";
import { blank, rangeOf, read, write, type Question } from "../query/address";
import { Panel } from "../query/panel";
import "../query/query.css";

/** In the first minutes a graph shows these, not an hour with a dot at its end. Changes at a few ages of the store only. */
const unsaid = computed(() => rangeOf(storedSeconds(3600)));

export default function Query(_: PageProps) {
  const [turn, setTurn] = useState(0);
  const questions = read(place.value.query, unsaid.value);
  const set = (next: Question[]) => go(`${base}query?${write(next)}`, "push");
  return (
    <>
      <div class="bar">
        <h1>Query</h1>
        <span class="right">
          <button type="button" onClick={() => setTurn(turn + 1)}>
            Run all
          </button>{" "}
          <button type="button" onClick={() => set([...questions, { ...blank(unsaid.value), tab: questions.at(-1)?.tab ?? "table" }])}>
            Add a query
          </button>
        </span>
      </div>
      {questions.map((question, index) => (
        <Panel
          key={index}
          index={index}
          turn={turn}
          question={question}
          change={(next) => set(questions.with(index, next))}
          remove={questions.length > 1 ? () => set(questions.toSpliced(index, 1)) : undefined}
        />
      ))}
    </>
  );
}
