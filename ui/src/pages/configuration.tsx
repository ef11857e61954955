/** show: the files as they were read, with secrets hidden, and their problems with their places; reload with what it says. */
import { get, send, useAsked } from "../api";
import { Ago, Copy, Empty, ErrorLine, Loading, State, Tag, Text } from "../parts/basics";
import { Doing } from "../parts/controls";
import { bytes, plural } from "../parts/number";
import { cut, oneLine, visible } from "../parts/text";
import { inFolder } from "../overview";
import { href, place } from "../router";
import type { PageProps } from "../routes";
import type { ConfigFile, Configuration as Answer } from "../shapes";
import "./configuration.css";

const EVERY_MS = 10_000;
const LINES_MAX = 5000;

export default function Configuration(_: PageProps) {
  const asked = useAsked((abort) => get<{ data: Answer }>("api/bellbuoy/configuration", {}, abort).then((answer) => answer.data), "configuration", EVERY_MS);
  const files = asked.data?.files ?? [];
  const wanted = place.value.query.get("file") ?? "";
  const chosen = files.find((file) => file.file === wanted) ?? files.find((file) => wanted !== "" && file.file.endsWith(`/${wanted}`)) ?? files.find((file) => file.problems.length > 0) ?? files[0];
  const problems = files.reduce((sum, file) => sum + file.problems.length, 0);
  const reload = async () => {
    await send<unknown>("POST", "-/reload");
    asked.again();
    return "read again, all is well";
  };
  return (
    <>
      <div class="bar">
        <h1>Configuration</h1>
        {asked.data && (
          <>
            <State of={asked.data.ok ? "ok" : "error"} />
            <span class="quiet">
              {asked.data.ok ? "in force" : "the files have errors; what was read before is in force"}, read <Ago at={asked.data.loadedAt} />
              {problems > 0 && `, ${plural(problems, "problem")}`}
            </span>
          </>
        )}
        <span class="right">
          <Doing label="Read the files again" act={reload} />
        </span>
      </div>
      <ErrorLine error={asked.error} again={asked.again} />
      {!asked.data && asked.loading && <Loading />}
      {asked.data && files.length === 0 && <Empty title="No files" because="The program was started without a folder of files." />}
      {chosen && (
        <div class="config">
          <nav aria-label="Files">
            {files.map((file) => (
              <a key={file.file} href={href("configuration", { file: file.file })} aria-current={file === chosen ? "true" : undefined}>
                <bdi>{oneLine(cut(inFolder(file.file), 120))}</bdi>
                <small>
                  {file.role}
                  {file.problems.length > 0 && <Tag tone={file.problems.some((one) => one.severity === "error") ? "bad" : "warn"}>{file.problems.length}</Tag>}
                </small>
              </a>
            ))}
          </nav>
          <File key={chosen.file} file={chosen} />
        </div>
      )}
    </>
  );
}

function File({ file }: { file: ConfigFile }) {
  return (
    <section class="config-file" aria-label={file.file}>
      <header class="bar">
        <b class="mono">
          <bdi>{oneLine(cut(inFolder(file.file), 200))}</bdi>
        </b>
        <span class="quiet">
          {file.role}, {bytes(file.bytes)}
          {file.text !== null && ", without comments and secrets"}
        </span>
        {file.text !== null && (
          <span class="right">
            <Copy text={file.text} />
          </span>
        )}
      </header>
      {file.problems.map((problem, index) => (
        <ProblemLine key={index} problem={problem} />
      ))}
      {file.text === null ? <Empty title="Not shown" because={file.because ?? "The server does not say why."} /> : <Source file={file} text={file.text} />}
    </section>
  );
}

/** Without line numbers: the server leaves comments out, so lines here are not those of the file. */
function Source({ file, text }: { file: ConfigFile; text: string }) {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return (
    <div class="source" tabIndex={0} role="region" aria-label={`text of ${cut(file.file, 100)}`}>
      <ol>
        {lines.slice(0, LINES_MAX).map((line, index) => (
          <li key={index}>
            <code>
              <bdi>{visible(line) || " "}</bdi>
            </code>
          </li>
        ))}
      </ol>
      {lines.length > LINES_MAX && <p class="quiet">{lines.length - LINES_MAX} more lines</p>}
    </div>
  );
}

function ProblemLine({ problem }: { problem: ConfigFile["problems"][number] }) {
  return (
    <div class={`config-problem ${problem.severity}`}>
      <State of={problem.severity} /> {problem.line ? <span class="quiet nowrap">line {problem.line}{problem.column ? `, column ${problem.column}` : ""} of the file: </span> : null}
      <Text of={problem.message} max={1000} />
      {problem.help && <div class="quiet"><Text of={problem.help} max={1000} /></div>}
    </div>
  );
}
