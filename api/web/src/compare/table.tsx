// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { number, withSD } from "../i18n";
import type { AngleChange, Change, Comparison, Level, Restoration, VertebraChange } from "../messages";
import { say, Say } from "../say";
import { angleName, endplateName } from "../terms";
import { t } from "./words";

interface LevelsProps {
  comparison: Comparison;
  selected: Level | undefined;
  select: (level: Level) => void;
}

/** Whether one of the two is a film: heights are then told relative to the expected ones. */
export const withFilm = (c: Comparison) => (c.not_assessable_on_radiograph?.length ?? 0) > 0;

/** What changed of each level. */
export function Levels({ comparison, selected, select }: LevelsProps) {
  const film = withFilm(comparison);
  return (
    <div class="scroll">
      <table class="levels">
        <caption class="hidden">{t("levels")}</caption>
        <thead>
          <tr>
            <th>{t("level")}</th>
            <th>{t("grade")}</th>
            <th>{t(film ? "anteriorOf" : "anterior")}</th>
            <th>{t(film ? "middleOf" : "middle")}</th>
            <th>{t(film ? "posteriorOf" : "posterior")}</th>
            {film && <th>{t("ratio")}</th>}
            <th>{t("wedge")}</th>
            <th>{t("gardner")}</th>
            {!film && <th>{t("cement")}</th>}
          </tr>
        </thead>
        <tbody>
          {comparison.vertebrae?.map((v) => (
            <LevelRow key={v.level} change={v} film={film} gardner={gardnerOf(comparison, v.level)} selected={v.level === selected} select={() => select(v.level!)} />
          ))}
        </tbody>
      </table>
      <p class="muted"><small>{t(film ? "legendFilm" : "legend")}</small></p>
    </div>
  );
}

function gardnerOf(c: Comparison, level: Level | undefined): AngleChange | undefined {
  return c.angles?.find((a) => a.name === "GARDNER" && a.level === level);
}

function LevelRow({ change: v, film, gardner, selected, select }: {
  change: VertebraChange;
  film: boolean;
  gardner: AngleChange | undefined;
  selected: boolean;
  select: () => void;
}) {
  const { expected = {} } = v;
  const grades = [v.genant_grade_before, v.genant_grade_after].map((g) => g ?? "–");
  return (
    <tr data-level={v.level} aria-selected={selected} onClick={select}>
      <th scope="row">
        <button type="button" class="plain" aria-pressed={selected} onClick={select}>{v.level}</button>
        {v.treated && <small class="badge">{t("treated")}</small>}
      </th>
      <td>{grades[0] === grades[1] ? grades[0] : grades.join(" → ")}</td>
      {v.reason ? <td colSpan={6} class="muted why"><Say text={v.reason} /></td> : (
        <>
          {film ? (
            <>
              <RelativeCell change={v.anterior_of_expected_percent} mm={v.anterior_height_mm} restored={v.anterior_restored} />
              <RelativeCell change={v.middle_of_expected_percent} mm={v.middle_height_mm} restored={v.middle_restored} />
              <RelativeCell change={v.posterior_of_expected_percent} mm={v.posterior_height_mm} restored={v.posterior_restored} />
              <td><ChangeText change={v.anterior_to_posterior} decimals={2} /></td>
            </>
          ) : (
            <>
              <HeightCell change={v.anterior_height_mm} expected={expected.expected_anterior_mm} restored={v.anterior_restored} />
              <HeightCell change={v.middle_height_mm} expected={expected.expected_middle_mm} restored={v.middle_restored} />
              <HeightCell change={v.posterior_height_mm} expected={expected.expected_posterior_mm} restored={v.posterior_restored} />
            </>
          )}
          <td><ChangeText change={v.wedge_angle_deg} /></td>
          <td><ChangeText change={gardner?.degrees} /></td>
          {!film && <td>{v.cement_volume_ml && <ChangeText change={v.cement_volume_ml} />}</td>}
        </>
      )}
    </tr>
  );
}

function HeightCell({ change, expected, restored }: {
  change: Change | undefined;
  expected: number | undefined;
  restored: Restoration | undefined;
}) {
  return (
    <td>
      <ChangeText change={change} />
      {expected !== undefined && <small class="muted">{t("expected", { mm: number(expected) })}</small>}
      {restored?.percent !== undefined && change?.significant && (
        <small class="restored">{t("restored", { percent: withSD(restored.percent, restored.sd_percent, 0) })}</small>
      )}
    </td>
  );
}

/** A height relative to the expected one, and its mm where both examinations have some. */
function RelativeCell({ change, mm, restored }: { change: Change | undefined; mm: Change | undefined; restored: Restoration | undefined }) {
  return (
    <td>
      <ChangeText change={change} decimals={0} />
      {mm && <small class="muted">{t("inMM", { before: number(mm.before), after: number(mm.after) })}</small>}
      {restored?.percent !== undefined && change?.significant && (
        <small class="restored">{t("restored", { percent: withSD(restored.percent, restored.sd_percent, 0) })}</small>
      )}
    </td>
  );
}

/** A quantity in two examinations, its change and whether that is significant. */
export function ChangeText({ change: c, decimals = 1 }: { change: Change | undefined; decimals?: number }) {
  if (!c || (c.before === undefined && c.after === undefined)) return <>–</>;
  const sign = c.change !== undefined && Number(c.change.toFixed(decimals)) > 0 ? "+" : "";
  const judged = c.reason ? t("notJudged", { reason: say(c.reason) }) : t(c.significant ? "significant" : "notSignificant", { lsc: number(c.lsc, decimals) });
  return (
    <span class="change" title={judged}>
      <span class="values">{number(c.before, decimals)} → {number(c.after, decimals)}</span>
      {c.change !== undefined && (
        <small class={c.significant ? "significant" : "muted"}>
          {sign}{withSD(c.change, c.change_sd, decimals)}{c.significant && <span role="img" aria-label={judged}> ◆</span>}
        </small>
      )}
    </span>
  );
}

/** The angles over several levels. */
export function Angles({ comparison }: { comparison: Comparison }) {
  const regional = comparison.angles?.filter((a) => a.name !== "GARDNER") ?? [];
  if (regional.length === 0) return null;
  return (
    <>
      <h2>{t("angles")}</h2>
      <table class="angles">
        <thead><tr><th>{t("angle")}</th><th>{t("change")}, °</th></tr></thead>
        <tbody>
          {regional.map((a) => (
            <tr key={a.name! + a.level}>
              <td>{angleName(a.name)} {a.level} <small class="muted">{endplateName(a.from)} – {endplateName(a.to)}</small></td>
              <td><ChangeText change={a.degrees} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
