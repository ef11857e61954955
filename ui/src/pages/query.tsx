/**
 * show: ask the store. In: queries of the address, as Prometheus writes them. Out: tables, graphs, explain trees. Each run is an entry in the
 * browser's history, so that back leads to the query before.
 */
import { useState } from "preact/hooks";

import type { PageProps } from "../routes";
import { base, go, place } from "../router";
import { blank, read, write, type Question } from "../query/address";
import { Panel } from "../query/panel";
import "../query/query.css";

export default function Query(_: PageProps) {
  const [turn, setTurn] = useState(0);
  const questions = read(place.value.query);
  const set = (next: Question[]) => go(`${base}query?${write(next)}`, "push");
  return (
    <>
      <div class="bar">
        <h1>Query</h1>
        <span class="right">
          <button type="button" onClick={() => setTurn(turn + 1)}>
            Run all
          </button>{" "}
          <button type="button" onClick={() => set([...questions, { ...blank(), tab: questions.at(-1)?.tab ?? "table" }])}>
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
