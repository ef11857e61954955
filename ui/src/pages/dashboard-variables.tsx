/** show: the choices above a dashboard. In: variables with their options, as resolved. Out: `var-NAME` in the address. Long lists are searched; 300 options are shown at once. */
import { useState } from "preact/hooks";

import type { Scope, Variable, VariableValue } from "../dashboard/model";
import { setQuery } from "../router";
import { Popover } from "./popover";

const ALL = "$__all";
const SHOWN = 300;

export function VariablesBar({ scope }: { scope: Scope }) {
  const shown = Object.values(scope.variables).filter(({ variable }) => variable.hide !== 2 && variable.type !== "constant" && !(variable.type === "datasource" && variable.options.length <= 1));
  if (shown.length === 0) return null;
  return (
    <div class="variables" role="group" aria-label="Variables">
      {shown.map(({ variable, current }) => (
        <Control key={variable.name} variable={variable} current={current} />
      ))}
    </div>
  );
}

const choose = (name: string, values: string | string[]): void => setQuery({ [`var-${name}`]: values }, "push");

const list = (value: string | string[]): string[] => (Array.isArray(value) ? value : [value]);

function Control({ variable, current }: { variable: Variable; current: VariableValue }) {
  const title = variable.label || variable.name;
  const label = variable.hide === 1 ? null : (
    <span class="variable-label" title={variable.description || undefined}>
      {title.slice(0, 80)}
    </span>
  );
  const problem = variable.problem && (
    <span class="bad" role="img" title={variable.problem} aria-label={variable.problem}>
      !
    </span>
  );
  return (
    <div class="variable">
      {label}
      <Input variable={variable} current={current} title={title} />
      {problem}
    </div>
  );
}

function Input({ variable, current, title }: { variable: Variable; current: VariableValue; title: string }) {
  const { name, type } = variable;
  if (type === "textbox") return <TextBox name={name} title={title} value={list(current.value)[0] ?? ""} />;
  if (type === "adhoc") return <AdHoc variable={variable} title={title} />;
  if (type === "switch") {
    const [off, on] = [variable.options[1]?.value ?? "false", variable.options[0]?.value ?? "true"];
    return <input type="checkbox" aria-label={title} checked={list(current.value)[0] === on} onChange={(event) => choose(name, event.currentTarget.checked ? on : off)} />;
  }
  if (type === "unknown") return <code>{list(current.text).join(", ").slice(0, 100)}</code>;
  if (!variable.multi && variable.options.length <= 40) {
    const chosen = list(current.value)[0] ?? "";
    const auto = type === "interval" && list(current.text)[0] === "auto" ? variable.options.find((one) => one.value.startsWith("$__auto"))?.value : undefined;
    const value = auto ?? chosen;
    return (
      <select aria-label={title} value={value} onChange={(event) => choose(name, event.currentTarget.value)}>
        {!variable.options.some((one) => one.value === value) && <option value={value}>{(list(current.text)[0] ?? value).slice(0, 120) || "(none)"}</option>}
        {variable.options.map((one) => (
          <option key={one.value} value={one.value}>
            {one.text.slice(0, 120)}
          </option>
        ))}
      </select>
    );
  }
  const texts = list(current.text);
  const label = texts.length === 0 ? "(none)" : texts.length > 3 ? `${texts.slice(0, 2).join(" + ").slice(0, 60)} + ${texts.length - 2} more` : texts.join(" + ").slice(0, 90);
  return (
    <Popover label={<bdi>{label || "(none)"}</bdi>} title={`${title}: ${label}`}>
      {(close) => <Options variable={variable} current={current} title={title} close={close} />}
    </Popover>
  );
}

function Options({ variable, current, title, close }: { variable: Variable; current: VariableValue; title: string; close: () => void }) {
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState<string[]>(list(current.value));
  const found = variable.options.filter((one) => one.text.toLowerCase().includes(words.toLowerCase()));
  const toggle = (value: string) => {
    if (!variable.multi) return choose(variable.name, value), close();
    if (value === ALL) return setChosen([ALL]);
    const without = chosen.filter((one) => one !== ALL);
    setChosen(without.includes(value) ? without.filter((one) => one !== value) : [...without, value]);
  };
  const apply = () => {
    choose(variable.name, chosen.length ? chosen : variable.includeAll ? [ALL] : list(current.value));
    close();
  };
  return (
    <form
      class="options"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <input type="search" aria-label={`Search ${title}`} placeholder="Search" value={words} onInput={(event) => setWords(event.currentTarget.value)} autofocus />
      <ul>
        {found.slice(0, SHOWN).map((one) => (
          <li key={one.value}>
            {variable.multi ? (
              <label>
                <input type="checkbox" checked={chosen.includes(one.value)} onChange={() => toggle(one.value)} /> <bdi>{one.text.slice(0, 200)}</bdi>
              </label>
            ) : (
              <button type="button" aria-current={chosen.includes(one.value) ? "true" : undefined} onClick={() => toggle(one.value)}>
                <bdi>{one.text.slice(0, 200)}</bdi>
              </button>
            )}
          </li>
        ))}
        {found.length > SHOWN && <li class="quiet">and {found.length - SHOWN} more: search</li>}
        {found.length === 0 && <li class="quiet">Nothing fits.</li>}
      </ul>
      {variable.multi && (
        <div class="options-foot">
          <button class="main" type="submit">
            Apply
          </button>
          <button type="button" onClick={() => setChosen(found.map((one) => one.value).filter((value) => value !== ALL))}>
            Take these {Math.min(found.length, 9999)}
          </button>
          <button type="button" onClick={() => setChosen([])}>
            None
          </button>
        </div>
      )}
    </form>
  );
}

function TextBox({ name, title, value }: { name: string; title: string; value: string }) {
  return <input aria-label={title} value={value} size={Math.min(40, Math.max(8, value.length + 2))} onChange={(event) => choose(name, event.currentTarget.value)} />;
}

const OPERATORS = ["=", "!=", "=~", "!~", "<", ">"];
const bar = (text: string): string => text.replaceAll("|", "__gfp__");

/** Filters that go into every query: `label|=|value` in the address. */
function AdHoc({ variable, title }: { variable: Variable; title: string }) {
  const [draft, setDraft] = useState({ key: "", operator: "=", value: "" });
  const write = (filters: Variable["filters"]) => choose(variable.name, filters.length ? filters.map((one) => `${bar(one.key)}|${one.operator}|${bar(one.value)}`) : []);
  return (
    <form
      class="adhoc"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        if (!draft.key.trim()) return;
        write([...variable.filters, { ...draft, key: draft.key.trim() }]);
        setDraft({ key: "", operator: "=", value: "" });
      }}
    >
      {variable.filters.map((one, at) => (
        <button key={at} type="button" class="tag" title="Remove this filter" onClick={() => write(variable.filters.filter((_, other) => other !== at))}>
          {`${one.key} ${one.operator} ${one.value}`.slice(0, 120)} ×
        </button>
      ))}
      <input aria-label="Label of the filter" placeholder="label" size={8} value={draft.key} onInput={(event) => setDraft({ ...draft, key: event.currentTarget.value })} />
      <select aria-label="Operator of the filter" value={draft.operator} onChange={(event) => setDraft({ ...draft, operator: event.currentTarget.value })}>
        {OPERATORS.map((operator) => (
          <option key={operator}>{operator}</option>
        ))}
      </select>
      <input aria-label="Value of the filter" placeholder="value" size={8} value={draft.value} onInput={(event) => setDraft({ ...draft, value: event.currentTarget.value })} />
      <button type="submit" aria-label="Add the filter">
        +
      </button>
    </form>
  );
}
