/** show: the versions that a registry has of a model: where each alias points, what its training measured, and how that differs from the champion's. In: what MLflow said. Out: a table; what is unknown says why. */
import { Ago, At, Tag } from "../parts/basics";
import { number } from "../parts/number";
import { cut, safeUrl, visible } from "../parts/text";
import type { NotKnown } from "../shapes";
import { lessIsBetter, metricName } from "./shared";
import { isUnknown, type Registry, type Version } from "./types";

const METRICS_MAX = 8;
const ALIASES_MAX = 40;

export function Versions({ of }: { of: Registry | NotKnown | undefined }) {
  if (!of) return <p class="quiet">The server says nothing about a registry.</p>;
  if (isUnknown(of)) return <p class="quiet">{firstUpper(visible(cut(of.unknown.because, 400)))}.</p>;
  const champion = Object.keys(of.aliases ?? {}).find((alias) => alias.toLowerCase() === "champion");
  const rank = (alias: string) => (alias === champion ? 0 : alias.toLowerCase() === "challenger" ? 1 : 2);
  const aliases = Object.entries(of.aliases ?? {})
    .map(([alias, version]) => [alias, typeof version === "object" ? version : { version, runId: null, changedAt: null, metrics: {} }] as [string, Version])
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
  const all = [...new Set(aliases.flatMap(([, version]) => Object.keys(version.metrics ?? {})))];
  const metrics = all.slice(0, METRICS_MAX);
  const best = aliases.find(([alias]) => alias === champion)?.[1];
  const address = (version: string | number) => (of.url ? safeUrl(`${of.url.replace(/\/+$/, "")}/#/models/${encodeURIComponent(of.model)}/versions/${encodeURIComponent(String(version))}`) : undefined);
  return (
    <>
      <p class="quiet">
        <bdi>{visible(cut(of.model, 80))}</bdi> in the MLflow {cut(of.server, 80)} {of.up ? <Tag tone="good">up</Tag> : <Tag tone="bad">down</Tag>}, asked <Ago at={of.at} />; the newest version is {of.latestVersion ?? "unknown"}.
      </p>
      {aliases.length === 0 && <p class="quiet">No alias points to a version: set <code>champion</code> in MLflow to the one that serves.</p>}
      {aliases.length > 0 && (
        <div class="wide" tabIndex={0}>
          <table class="stack versions">
            <caption class="unseen">Aliases</caption>
            <thead>
              <tr>
                <th>Alias</th>
                <th class="num">Version</th>
                {metrics.map((metric) => (
                  <th key={metric} class="num" title={lessIsBetter(metric) ? "as its training measured; less is better" : "as its training measured"}>{cut(metricName(metric), 40)}</th>
                ))}
                <th>Run</th>
                <th>Points there since</th>
              </tr>
            </thead>
            <tbody>
              {aliases.slice(0, ALIASES_MAX).map(([alias, version]) => (
                <tr key={alias}>
                  <td data-title="Alias">
                    <Tag tone={alias === champion ? "good" : "info"}>{cut(alias, 40)}</Tag>
                  </td>
                  <td data-title="Version" class="num">
                    <VersionLink version={version.version} to={address(version.version)} />
                  </td>
                  {metrics.map((metric) => (
                    <td key={metric} data-title={metricName(metric)} class="num">
                      <Measured metric={metric} value={version.metrics?.[metric]} champion={version === best ? undefined : best?.metrics?.[metric]} />
                    </td>
                  ))}
                  <td data-title="Run" class="mono">{version.runId ? <span class="cell">{cut(version.runId, 36)}</span> : <span class="quiet">none</span>}</td>
                  <td data-title="Since">{version.changedAt ? <At at={version.changedAt} /> : <span class="quiet">before bellbuoy first asked</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(all.length > metrics.length || aliases.length > ALIASES_MAX) && (
        <p class="quiet">
          {[all.length > metrics.length && `${all.length - metrics.length} more metrics`, aliases.length > ALIASES_MAX && `${aliases.length - ALIASES_MAX} more aliases`].filter(Boolean).join(" and ")} are not shown.
        </p>
      )}
    </>
  );
}

function VersionLink({ version, to }: { version: string | number; to: string | undefined }) {
  if (!to) return <>{version}</>;
  return (
    <a href={to} target="_blank" rel="noopener noreferrer" title="this version in MLflow">
      {version}
    </a>
  );
}

/** A figure, and how far it is from the champion's. */
function Measured({ metric, value, champion }: { metric: string; value: number | undefined; champion: number | undefined }) {
  if (value === undefined) return <span class="quiet" title="its run has no such metric">–</span>;
  const by = champion === undefined ? 0 : Number((value - champion).toPrecision(6));
  const known = lessIsBetter(metric) || /^(r2|.*accuracy|.*f1.*|.*auc.*|precision.*|recall.*)$/i.test(metric);
  const tone = !known || by === 0 ? "quiet" : by > 0 !== lessIsBetter(metric) ? "good" : "bad";
  return (
    <>
      {number(value)} {by !== 0 && <small class={tone}>{by > 0 ? "+" : "−"}{number(Math.abs(by))}</small>}
    </>
  );
}

const firstUpper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
