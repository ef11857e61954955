/** show: how a feature was spread in the reference and how it is now. In: shares per bin or value. Out: an SVG, reference grey, current in colour. */
import type { Categories, Numbers, ReportFeature } from "./types";
import { number, percent } from "../parts/number";
import { cut, oneLine } from "../parts/text";

interface Props {
  feature: ReportFeature;
  width?: number;
  height?: number;
  /** With names and shares under the bars. */
  large?: boolean;
}

export function Histogram({ feature, width = 190, height = 40, large = false }: Props) {
  const { distribution } = feature;
  if (!distribution) return <small class="quiet">{feature.error ? cut(feature.error, 120) : "nothing to draw"}</small>;
  const name = cut(feature.name, 60);
  if (distribution.kind === "numbers") return <Bins of={distribution} name={name} width={width} height={height} large={large} />;
  return large ? <Bars of={distribution} name={name} /> : <Columns of={distribution} name={name} width={width} height={height} />;
}

function Bins({ of, name, width, height, large }: { of: Numbers; name: string; width: number; height: number; large: boolean }) {
  const count = of.edges.length - 1;
  const most = Math.max(1e-9, ...(of.reference ?? []), ...(of.current ?? []));
  const [low, high] = [of.edges[0] ?? 0, of.edges[count] ?? 0];
  const floor = large ? height - 16 : height - 1;
  const x = (index: number) => (index / count) * width;
  const y = (share: number) => floor - (share / most) * (floor - 2);
  const steps = (shares: number[]) => shares.map((share, index) => `L${x(index).toFixed(1)} ${y(share).toFixed(1)}H${x(index + 1).toFixed(1)}`).join("");
  const said = `${name} from ${number(low)} to ${number(high)}: reference grey, now in colour`;
  return (
    <svg class="histogram" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={said}>
      <title>{said}</title>
      {of.reference && <path class="ref" d={`M0 ${floor}${steps(of.reference)}V${floor}Z`} />}
      {of.current && <path class="cur" d={`M0 ${floor}${steps(of.current)}V${floor}`} />}
      {large && (
        <>
          <text x="0" y={height - 3}>{number(low)}</text>
          <text x={width} y={height - 3} text-anchor="end">{number(high)}</text>
        </>
      )}
    </svg>
  );
}

function Columns({ of, name, width, height }: { of: Categories; name: string; width: number; height: number }) {
  const bars = of.others > 0 ? [...of.bars, { name: `${of.others} others`, reference: of.others_reference, current: of.others_current }] : of.bars;
  const most = Math.max(1e-9, ...bars.flatMap((bar) => [bar.reference, bar.current]));
  const slot = Math.min(width / Math.max(bars.length, 1), 44);
  const tall = (share: number) => (share / most) * (height - 2);
  const said = `${name}: ${bars.slice(0, 8).map((bar) => `${cut(bar.name, 30)} ${percent(bar.reference)} then, ${percent(bar.current)} now`).join("; ")}`;
  return (
    <svg class="histogram" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={said}>
      <title>{said}</title>
      {bars.map((bar, index) => (
        <g key={index}>
          <rect class="ref" x={index * slot + slot * 0.08} width={slot * 0.4} y={height - tall(bar.reference)} height={tall(bar.reference)} />
          <rect class="cur-bar" x={index * slot + slot * 0.5} width={slot * 0.4} y={height - tall(bar.current)} height={tall(bar.current)} />
        </g>
      ))}
    </svg>
  );
}

function Bars({ of, name }: { of: Categories; name: string }) {
  const bars = of.others > 0 ? [...of.bars, { name: `${of.others} others`, reference: of.others_reference, current: of.others_current }] : of.bars;
  const most = Math.max(1e-9, ...bars.flatMap((bar) => [bar.reference, bar.current]));
  return (
    <table class="histogram-bars">
      <caption class="unseen">{name}</caption>
      <tbody>
        {bars.map((bar, index) => (
          <tr key={index}>
            <th scope="row"><bdi>{oneLine(cut(bar.name, 60))}</bdi></th>
            <td>
              <svg class="histogram" width="220" height="18" viewBox="0 0 220 18" aria-hidden="true">
                <rect class="ref" width={(bar.reference / most) * 220} height="8" />
                <rect class="cur-bar" y="9" width={(bar.current / most) * 220} height="8" />
              </svg>
            </td>
            <td class="num nowrap">
              {of.has_reference ? percent(bar.reference) : "–"} → <b>{of.has_current ? percent(bar.current) : "–"}</b>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
