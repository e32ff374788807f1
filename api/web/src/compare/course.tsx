// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { number } from "../i18n";
import type { Heights, Level, TimeCourse } from "../messages";
import { useNames } from "./names";
import { t } from "./words";

const kinds = [
  { name: "anterior", value: (h: Heights) => h.anterior_mm, sd: (h: Heights) => h.anterior_sd_mm ?? h.sd_mm },
  { name: "middle", value: (h: Heights) => h.middle_mm, sd: (h: Heights) => h.middle_sd_mm ?? h.sd_mm },
  { name: "posterior", value: (h: Heights) => h.posterior_mm, sd: (h: Heights) => h.posterior_sd_mm ?? h.sd_mm },
] as const;

/** The plot's size, its margins, and the room about the values, mm. */
const width = 560;
const height = 220;
const margin = { left: 40, right: 12, top: 12, bottom: 30 };
const room = 2;

/** The heights of a level in three and more examinations. */
export function Course({ course, level }: { course: TimeCourse; level: Level | undefined }) {
  const { short } = useNames();
  const examinations = course.examinations ?? [];
  const shown = course.levels?.find((l) => l.level === level) ?? course.levels?.[0];
  const heights = shown?.heights ?? [];
  const values = heights.flatMap((h) => kinds.map((k) => k.value(h))).filter((v) => v !== undefined);
  if (values.length === 0) return null;
  const low = Math.floor(Math.min(...values) - room);
  const high = Math.ceil(Math.max(...values) + room);
  const x = (i: number) => margin.left + (i + 0.5) * ((width - margin.left - margin.right) / examinations.length);
  const y = (mm: number) => margin.top + ((high - mm) / (high - low)) * (height - margin.top - margin.bottom);
  return (
    <section class="course">
      <h2>{t("course")}</h2>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={t("coursePlot", { level: shown?.level ?? "" })}>
        {ticks(low, high).map((mm) => (
          <g key={mm}>
            <line class="grid" x1={margin.left} x2={width - margin.right} y1={y(mm)} y2={y(mm)} />
            <text x={margin.left - 6} y={y(mm) + 4} text-anchor="end">{mm}</text>
          </g>
        ))}
        {kinds.map((k) => <Line key={k.name} kind={k} heights={heights} x={x} y={y} />)}
        {examinations.map((e, i) => <text key={i} x={x(i)} y={height - 8} text-anchor="middle">{short(e)}</text>)}
        {course.first_treated !== undefined && (
          <line class="treated" x1={x(course.first_treated)} x2={x(course.first_treated)} y1={margin.top} y2={height - margin.bottom}>
            <title>{t("treatedFrom")}</title>
          </line>
        )}
      </svg>
      <div class="scroll">
        <table>
          <thead>
            <tr><th>{shown?.level}</th>{examinations.map((e, i) => <th key={i}>{short(e)}</th>)}</tr>
          </thead>
          <tbody>
            {kinds.map((k) => (
              <tr key={k.name}>
                <th scope="row"><span class={`key ${k.name}`} />{t(k.name)}</th>
                {examinations.map((_, i) => <td key={i}>{number(heights[i] && k.value(heights[i]))}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function ticks(low: number, high: number): number[] {
  const every = high - low > 20 ? 5 : 2;
  const all: number[] = [];
  for (let mm = Math.ceil(low / every) * every; mm <= high; mm += every) all.push(mm);
  return all;
}

/** A height over the examinations, with twice its standard deviation to either side. */
function Line({ kind, heights, x, y }: {
  kind: (typeof kinds)[number];
  heights: Heights[];
  x: (i: number) => number;
  y: (mm: number) => number;
}) {
  const points = heights.map((h, i) => ({ i, mm: kind.value(h), sd: kind.sd(h) })).filter((p) => p.mm !== undefined);
  return (
    <g class={kind.name}>
      <polyline points={points.map((p) => `${x(p.i)},${y(p.mm!)}`).join(" ")} />
      {points.map((p) => (
        <g key={p.i}>
          {p.sd !== undefined && <line x1={x(p.i)} x2={x(p.i)} y1={y(p.mm! - 2 * p.sd)} y2={y(p.mm! + 2 * p.sd)} />}
          <circle cx={x(p.i)} cy={y(p.mm!)} r={4} />
        </g>
      ))}
    </g>
  );
}
