/**
 * show: one query: editor, table, graph, explain tree, what it cost. In: the question of the address. Out: a new question when something was chosen.
 * Asks only when it was told to run; the last answer stays while the next is under way.
 */
import { useEffect, useRef, useState } from "preact/hooks";

import { get, prom, useAsked, type ApiError } from "../api";
import { askServer } from "../dashboard/ask";
import { askExemplars, type Exemplar } from "../dashboard/exemplars";
import { Copy, ErrorLine, Text } from "../parts/basics";
import { count, plural } from "../parts/number";
import { cut, visible } from "../parts/text";
import { dateTime, duration, parseDuration, promDuration } from "../parts/time";
import { problemOf, RANGES, type Question, type Tab } from "./address";
import { ask, type Answer } from "./ask";
import { CodeBox } from "./codebox";
import type { Editor } from "./editor";
import { Graph } from "./graph";
import { rangeTo } from "./grid";
import { Metrics } from "./metrics";
import { ResultTable } from "./result";
import { Tree, type Explained } from "./tree";

interface Props {
  question: Question;
  index: number;
  change: (next: Question) => void;
  remove?: () => void;
  /** Counts up when all shall run again. */
  turn: number;
}

const TABS: [Tab, string][] = [["table", "Table"], ["graph", "Graph"], ["explain", "Explain"]];
const POINTS = 300;

export function Panel({ question, index, change, remove, turn }: Props) {
  const [text, setText] = useState(question.expr);
  const [own, setOwn] = useState(0);
  const [finding, setFinding] = useState(false);
  const editor = useRef<Editor | null>(null);
  const [ready, setReady] = useState(false);
  // The editor has the text; `text` follows it. The other way only on purpose: sent back at each key, an older text would overtake a newer one.
  const write = (next: string) => {
    setText(next);
    editor.current?.setText(next);
  };
  useEffect(() => write(question.expr), [question.expr]);
  const run = (expr = text) => {
    if (expr !== question.expr) change({ ...question, expr });
    else setOwn((before) => before + 1);
  };
  const answer = useAnswer(question, turn + own);
  const error = answer.error;
  const problem = error && problemOf(error.message, question.expr);
  useEffect(() => editor.current?.setProblem(problem && text === question.expr ? problem : undefined), [problem?.from, problem?.message, question.expr, text, ready]);
  const format = async () => {
    const pretty = await prom<string>("format_query", { query: text });
    change({ ...question, expr: pretty });
  };
  const [formatError, setFormatError] = useState<string>();
  return (
    <section class="query-panel card" aria-label={`Query ${index + 1}`}>
      <div class="query-line">
        <CodeBox text={text} label={`Query ${index + 1}`} onChange={setText} onRun={run} editor={editor} ready={ready} onReady={() => setReady(true)} />
        <button type="button" class="main" onClick={() => run()}>
          Run
        </button>
        <span class="query-more">
          <button type="button" class="small" title="find a metric" onClick={() => setFinding(true)}>
            Metrics
          </button>
          <button type="button" class="small" title="write it over several lines" disabled={text.trim() === ""} onClick={() => format().then(() => setFormatError(undefined), (problem: Error) => setFormatError(problem.message))}>
            Format
          </button>
          <Copy text={() => text} />
          {remove && (
            <button type="button" class="small" aria-label={`Remove query ${index + 1}`} onClick={remove}>
              ×
            </button>
          )}
        </span>
      </div>
      {finding && <Metrics onClose={() => setFinding(false)} onPick={(name) => { write(text.trim() === "" ? name : `${text}${name}`); editor.current?.focus(); }} />}
      {formatError && !problem && <ErrorLine error={formatError} what="Not formatted" />}
      {error && (problem ? <ParseError problem={problem} query={question.expr} show={() => { editor.current?.select(problem.from, problem.to); editor.current?.focus(); }} /> : <ErrorLine error={error} />)}
      <div class="bar query-tabs">
        <span class="seg" role="group" aria-label="View">
          {TABS.map(([tab, title]) => (
            <button key={tab} type="button" class="small" aria-pressed={question.tab === tab} onClick={() => change({ ...question, tab })}>
              {title}
            </button>
          ))}
        </span>
        <Times question={question} change={change} />
        <Stats answer={answer.data} loading={answer.loading} question={question} />
      </div>
      {question.expr.trim() === "" ? <p class="quiet">Write a query and press Enter. Names, labels and functions are completed as you type.</p> : <View question={question} change={change} answer={answer.data} error={error} editor={editor} />}
    </section>
  );
}

interface Shown {
  key: string;
  answer?: Answer;
  explained?: Explained;
  range?: { start: number; end: number; step: number };
  exemplars?: Exemplar[];
}

function useAnswer(question: Question, turn: number) {
  const { expr, tab, rangeSeconds, end, stepSeconds, exemplars } = question;
  const key = JSON.stringify([expr, tab, end, tab === "graph" ? [rangeSeconds, stepSeconds, exemplars] : 0, turn]);
  return useAsked<Shown>(async (abort) => {
    if (expr.trim() === "") return { key };
    if (tab === "explain") return { key, explained: await (await get<{ data: Explained }>("api/bellbuoy/query_explain", { query: expr, time: end }, abort)).data };
    if (tab === "table") return { key, answer: await ask("query", { query: expr, time: end }, abort) };
    const last = end ?? Date.now() / 1000;
    const range = stepSeconds ? { start: last - rangeSeconds, end: last, step: Math.max(stepSeconds, rangeSeconds / 11_000) } : rangeTo(last, rangeSeconds, POINTS, 1);
    const [answer, behind] = await Promise.all([ask("query_range", { query: expr, ...range }, abort), exemplars ? askExemplars(expr, range.start * 1000, range.end * 1000, askServer, abort) : undefined]);
    return { key, range, answer, exemplars: behind };
  }, key);
}

function View({ question, change, answer, error, editor }: { question: Question; change: (next: Question) => void; answer: Shown | undefined; error: ApiError | undefined; editor: { current: Editor | null } }) {
  if (error) return null;
  if (!answer) return <p class="quiet" aria-busy="true">Asking…</p>;
  const point = (from: number, to: number) => {
    editor.current?.select(from, to);
    editor.current?.focus();
  };
  // An answer to another view stays out until its own comes.
  if (question.tab === "explain") return answer.explained ? <Tree of={answer.explained} point={point} /> : <p class="quiet" aria-busy="true">Asking…</p>;
  if (!answer.answer) return <p class="quiet" aria-busy="true">Asking…</p>;
  const notes = [...answer.answer.warnings, ...answer.answer.infos];
  return (
    <>
      {notes.slice(0, 8).map((note, index) => (
        <p key={index} class="warn">
          <Text of={note} />
        </p>
      ))}
      {question.tab === "graph" ? (
        answer.range ? <Graph of={answer.answer} range={answer.range} question={question} change={change} exemplars={question.exemplars ? answer.exemplars : undefined} /> : <p class="quiet" aria-busy="true">Asking…</p>
      ) : (
        <ResultTable of={answer.answer} at={question.end} />
      )}
    </>
  );
}

function Stats({ answer, loading, question }: { answer: Shown | undefined; loading: boolean; question: Question }) {
  if (question.expr.trim() === "") return null;
  if (loading) return <small class="right quiet">asking…</small>;
  if (answer?.explained) return <small class="right quiet">{plural(answer.explained.nodes.length, "part")}, {duration(answer.explained.tookSeconds)}</small>;
  if (!answer?.answer) return null;
  const { data, took } = answer.answer;
  const series = Array.isArray(data.result) && (data.resultType === "vector" || data.resultType === "matrix") ? data.result : undefined;
  const samples = series?.reduce((sum: number, one: { values?: unknown[]; histograms?: unknown[] }) => sum + (one.values?.length ?? 0) + (one.histograms?.length ?? 0) + (one.values || one.histograms ? 0 : 1), 0);
  return (
    <small class="right quiet query-stats">
      {series ? `${plural(series.length, "series", "series")} · ${count(samples)} ${samples === 1 ? "sample" : "samples"} · ` : ""}
      {answer.range ? `step ${promDuration(answer.range.step)} · ` : ""}
      {duration(took)}
    </small>
  );
}

function Times({ question, change }: { question: Question; change: (next: Question) => void }) {
  const { rangeSeconds, end, tab, stacked, stepSeconds } = question;
  const step = (direction: number) => change({ ...question, end: (end ?? Date.now() / 1000) + (direction * rangeSeconds) / 2 });
  const next = (direction: number) => (direction > 0 ? RANGES.find((one) => one > rangeSeconds) : RANGES.findLast((one) => one < rangeSeconds)) ?? rangeSeconds;
  return (
    <span class="query-times">
      {tab === "graph" && (
        <>
          <button type="button" class="small" aria-label="shorter range" onClick={() => change({ ...question, rangeSeconds: next(-1) })}>
            −
          </button>
          <input type="text" size={5} aria-label="range" key={rangeSeconds} defaultValue={promDuration(rangeSeconds)} onChange={(event) => { const seconds = parseDuration(event.currentTarget.value); if (seconds && seconds > 0) change({ ...question, rangeSeconds: seconds }); else event.currentTarget.value = promDuration(rangeSeconds); }} />
          <button type="button" class="small" aria-label="longer range" onClick={() => change({ ...question, rangeSeconds: next(1) })}>
            +
          </button>
        </>
      )}
      {tab !== "explain" && (
        <>
          <button type="button" class="small" aria-label="earlier" onClick={() => step(-1)}>
            ‹
          </button>
          <span class="query-end">{end === undefined ? "now" : dateTime(end * 1000)}</span>
          <button type="button" class="small" aria-label="later" disabled={end === undefined} onClick={() => step(1)}>
            ›
          </button>
          {end !== undefined && (
            <button type="button" class="small" onClick={() => change({ ...question, end: undefined })}>
              now
            </button>
          )}
        </>
      )}
      {tab === "graph" && (
        <>
          <input type="text" size={6} aria-label="step" placeholder="step" key={`step ${stepSeconds}`} defaultValue={stepSeconds ? promDuration(stepSeconds) : ""} onChange={(event) => change({ ...question, stepSeconds: parseDuration(event.currentTarget.value) || undefined })} />
          <label class="quiet">
            <input type="checkbox" checked={stacked} onChange={() => change({ ...question, stacked: !stacked })} /> stacked
          </label>
          <label class="quiet" title="single events behind the lines, with their traces">
            <input type="checkbox" checked={question.exemplars} onChange={() => change({ ...question, exemplars: !question.exemplars })} /> exemplars
          </label>
        </>
      )}
    </span>
  );
}

function ParseError({ problem, query, show }: { problem: { from: number; to: number; line: number; column: number; message: string }; query: string; show: () => void }) {
  const line = query.split("\n")[problem.line - 1] ?? "";
  const from = Math.max(0, problem.column - 60);
  return (
    <div class="error-line" role="alert">
      <button type="button" class="link" onClick={show}>
        line {problem.line}, column {problem.column}
      </button>
      : {visible(cut(problem.message, 400))}
      <pre aria-hidden="true">
        {line.slice(from, from + 140)}
        {"\n"}
        {" ".repeat(Math.max(0, problem.column - 1 - from))}
        {"^".repeat(Math.min(Math.max(problem.to - problem.from, 1), 60))}
      </pre>
    </div>
  );
}
