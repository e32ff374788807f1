// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The heights of the column against what is expected of it.

import { number, words } from "../i18n";
import type { Vertebra } from "../messages";
import type { PanelProps } from "./panels";

const t = words(
  {
    alt: "{height} of each level against the expected one; the same numbers stand in the table of vertebrae",
    anterior: "Anterior height Ha, mm", middle: "Middle height Hm, mm", posterior: "Posterior height Hp, mm",
    legend: "Dots: measured ± standard deviation. Line and band: expected ± standard deviation.", none: "No heights were measured.",
  },
  {
    alt: "{height} van elk niveau tegen de verwachte; dezelfde getallen staan in de tabel van wervels",
    anterior: "Voorste hoogte Ha, mm", middle: "Middelste hoogte Hm, mm", posterior: "Achterste hoogte Hp, mm",
    legend: "Punten: gemeten ± standaarddeviatie. Lijn en band: verwacht ± standaarddeviatie.", none: "Er zijn geen hoogten gemeten.",
  },
);

const which = ["anterior", "middle", "posterior"] as const;
type Which = (typeof which)[number];

const width = 640;
const height = 150;
const margin = { left: 34, right: 8, top: 10, bottom: 24 };

export function Profile(p: PanelProps) {
  const measured = (p.analysis.vertebrae ?? []).filter((v) => v.heights);
  if (measured.length === 0) return <p class="empty">{t("none")}</p>;
  const all = measured.flatMap((v) => which.flatMap((w) => [v.heights![`${w}_mm`], v.heights![`expected_${w}_mm`]])).filter((h) => h !== undefined);
  const [low, high] = [Math.floor(Math.min(...all) / 5 - 0.4) * 5, Math.ceil(Math.max(...all) / 5 + 0.2) * 5];
  return (
    <>
      <p class="muted">{t("legend")}</p>
      {which.map((w) => (
        <figure key={w} class="profile">
          <figcaption>{t(w)}</figcaption>
          <Chart w={w} vertebrae={measured} low={low} high={high} p={p} />
        </figure>
      ))}
    </>
  );
}

function Chart({ w, vertebrae, low, high, p }: { w: Which; vertebrae: Vertebra[]; low: number; high: number; p: PanelProps }) {
  const step = (width - margin.left - margin.right) / vertebrae.length;
  const x = (i: number) => margin.left + step * (i + 0.5);
  const y = (mm: number) => margin.top + ((high - mm) / (high - low)) * (height - margin.top - margin.bottom);
  const expected = vertebrae.flatMap((v, i) => {
    const mm = v.heights![`expected_${w}_mm`];
    return mm === undefined ? [] : [{ x: x(i), mm, sd: v.heights!.expected_sd_mm ?? 0 }];
  });
  const along = (edge: (e: { mm: number; sd: number }) => number) => expected.map((e) => `${e.x.toFixed(1)},${y(edge(e)).toFixed(1)}`);
  const ticks = Array.from({ length: (high - low) / 5 + 1 }, (_, i) => low + 5 * i);
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={t("alt", { height: t(w) })}>
      {ticks.map((mm) => (
        <g key={mm} class="tick">
          <line x1={margin.left} x2={width - margin.right} y1={y(mm)} y2={y(mm)} />
          <text x={margin.left - 5} y={y(mm) + 4} text-anchor="end">{mm}</text>
        </g>
      ))}
      <polygon class="band" points={[...along((e) => e.mm + e.sd), ...along((e) => e.mm - e.sd).reverse()].join(" ")} />
      <polyline class="expected" points={along((e) => e.mm).join(" ")} />
      {vertebrae.map((v, i) => {
        const mm = v.heights![`${w}_mm`];
        const sd = v.heights![`${w}_sd_mm`] ?? 0;
        const grade = v.deformity?.genant_grade ?? 0;
        return (
          <g key={v.level} class={`level${v.level === p.selected ? " chosen" : ""}${grade > 0 ? ` grade${grade}` : ""}`} onClick={() => p.select(v.level!)}>
            <rect class="room" x={x(i) - step / 2} y={0} width={step} height={height} />
            {mm !== undefined && <line class="sd" x1={x(i)} x2={x(i)} y1={y(mm - sd)} y2={y(mm + sd)} />}
            {mm !== undefined && <circle cx={x(i)} cy={y(mm)} r={4}><title>{`${v.level} ${number(mm)} ± ${number(sd)} mm`}</title></circle>}
            <text x={x(i)} y={height - 6} text-anchor="middle">{v.level}</text>
          </g>
        );
      })}
    </svg>
  );
}
