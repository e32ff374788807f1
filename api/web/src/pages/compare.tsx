// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from "preact/hooks";
import { api } from "../api";
import { Course } from "../compare/course";
import { Named, useAlike, useNames } from "../compare/names";
import { Pictures } from "../compare/pictures";
import { Angles, Levels, withFilm } from "../compare/table";
import { t } from "../compare/words";
import "../compare/compare.css";
import { number } from "../i18n";
import { useKeys } from "../keys";
import type { ComparedExamination, Comparison, ComparisonReport, ComparisonRun, Finding, Level } from "../messages";
import { SaveComparison } from "../out";
import { Link, navigate, paths, useLocation } from "../router";
import { failureText, Technical } from "../failures";
import { Say } from "../say";
import { stateName } from "../terms";
import { ErrorNote, Loading, useLoaded } from "../ui";
import { DeliveryTable } from "./deliveries";

/** What changed between examinations. */
export function ComparisonPage({ comparisonID }: { comparisonID: string }) {
  const [run, setRun] = useState<ComparisonRun>();
  const [error, setError] = useState<unknown>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const watch = async () => {
      setError(undefined);
      for await (const m of api.watchComparison(comparisonID, stop.signal)) setRun(m.comparison);
    };
    watch().catch((e: unknown) => stop.signal.aborted || setError(e));
    return () => stop.abort();
  }, [comparisonID, turn]);
  if (error !== undefined) return <ErrorNote error={error} retry={() => setTurn(turn + 1)} />;
  if (!run) return <Loading />;
  if (run.report) return <Result run={run} report={run.report} />;
  if (run.state === "QUEUED" || run.state === "RUNNING") {
    return <p class="empty" role="status">{t("working")} ({stateName(run.state)}) <progress aria-label={t("working")} /></p>;
  }
  return <div class="note bad"><p>{t("failed", { reason: failureText(run) })}</p><Technical text={run.reason} /></div>;
}

/** The examinations in the order of the comparison. */
function examinationsOf(r: ComparisonReport): ComparedExamination[] {
  if (r.time_course) return r.time_course.examinations ?? [];
  const only = r.comparisons?.[0];
  return only ? [only.before ?? {}, only.after ?? {}] : [];
}

function Result({ run, report }: { run: ComparisonRun; report: ComparisonReport }) {
  const { hash } = useLocation();
  const examinations = examinationsOf(report);
  const all = report.comparisons ?? [];
  const [which, setWhich] = useState(all.length - 1);
  const comparison = all[which];
  const levels = comparison?.vertebrae?.map((v) => v.level!) ?? [];
  const selected = levels.find((l) => l === hash) ?? firstAffected(comparison);
  const select = (level: Level) => navigate(`${paths.comparison(run.comparison_id!)}#${level}`, { replace: true });
  const stepLevel = (by: number) => {
    const next = levels[levels.indexOf(selected!) + by];
    if (next) select(next);
  };
  useKeys(t("title"), [
    { key: "j", label: t("keyLevel"), run: () => stepLevel(1) },
    { key: "k", label: t("keyLevel"), run: () => stepLevel(-1) },
  ]);
  const alike = useAlike(run, examinations);
  if (!comparison) return <p class="empty">{t("noFindings")}</p>;
  return (
    <Named value={alike}><section class="comparison">
      <div class="heading">
        <h1>{t("title")}</h1>
        <Examinations examinations={examinations} />
        <SaveComparison comparisonID={run.comparison_id!} />
      </div>
      <div class="split">
        <div>
          <Pictures comparisonID={run.comparison_id!} examinations={examinations} selected={selected} select={select} />
          <Notes comparison={comparison} />
        </div>
        <div>
          {all.length > 1 && (
            <p>
              <Pair all={all} which={which} choose={setWhich} />
            </p>
          )}
          <Findings findings={comparison.findings ?? []} select={select} />
          <h2>{t("levels")}</h2>
          <Levels comparison={comparison} selected={selected} select={select} />
          <Angles comparison={comparison} />
          <Sent comparisonID={run.comparison_id!} />
          {report.time_course && <Course course={report.time_course} level={selected} />}
        </div>
      </div>
    </section></Named>
  );
}

/** Which of the later examinations is compared with the first. */
function Pair({ all, which, choose }: { all: Comparison[]; which: number; choose: (which: number) => void }) {
  const { name } = useNames();
  return (
    <label>
      {t("pair")}
      <select value={which} onChange={(e) => choose(Number(e.currentTarget.value))}>
        {all.map((c, i) => <option key={i} value={i}>{name(c.after ?? {})}</option>)}
      </select>
    </label>
  );
}

/** The level that is looked at first: the first with a finding. */
function firstAffected(c: Comparison | undefined): Level | undefined {
  return c?.findings?.find((f) => f.levels?.length)?.levels?.[0];
}

function Examinations({ examinations }: { examinations: ComparedExamination[] }) {
  const { name } = useNames();
  return (
    <ol class="examinations" aria-label={t("examinations")}>
      {examinations.map((e, i) => <li key={i}><Link to={paths.study(e.study_instance_uid!)}>{name(e)}</Link></li>)}
    </ol>
  );
}

/** The objects of the comparison that were sent to archives. */
function Sent({ comparisonID }: { comparisonID: string }) {
  const list = useLoaded((signal) => api.deliveries({ comparison_id: comparisonID, page_size: 500 }, signal), [comparisonID]);
  const deliveries = list.value?.deliveries ?? [];
  if (deliveries.length === 0) return null;
  return (
    <>
      <h2>{t("sent")}</h2>
      <DeliveryTable deliveries={deliveries} reload={list.reload} inStudy />
    </>
  );
}

function Findings({ findings, select }: { findings: Finding[]; select: (level: Level) => void }) {
  return (
    <>
      <h2>{t("findings")}</h2>
      {findings.length === 0 && <p class="muted">{t("noFindings")}</p>}
      <ul class="findings">
        {findings.map((f, i) => (
          <li key={i}>
            <span onClick={() => f.levels?.[0] && select(f.levels[0])}><Say text={f.statement} />{f.borderline && " (?)"}</span>
            <details><summary>{t("criterion")}</summary><Say text={f.criterion} />. <Say text={f.source} /></details>
          </li>
        ))}
      </ul>
    </>
  );
}

/** What a comparison with a film does not tell, as the service names it. */
const notOnFilms: Record<string, Parameters<typeof t>[0]> = {
  volume: "film_volume", canal: "film_canal", retropulsion: "film_retropulsion", cement: "film_cement", "cement leaks": "film_leaks",
};

/** What the lengths of films rest on, and what they do not show. */
function FilmNotes({ comparison: c }: { comparison: Comparison }) {
  const { short } = useNames();
  if (!withFilm(c)) return null;
  const films = [c.before, c.after].filter((e) => e?.calibration);
  const what = c.not_assessable_on_radiograph!.map((w) => (notOnFilms[w] ? t(notOnFilms[w]) : w)).join(", ");
  return (
    <>
      {films.map((e, i) => (
        <p key={i} class="muted">{t("calibration", { date: short(e!) })} <Say text={e!.calibration!.reason} /></p>
      ))}
      <p class="muted">{t("notOnFilm", { what })}</p>
    </>
  );
}

/** How the examinations belong together, and what is to be heeded. */
function Notes({ comparison }: { comparison: Comparison }) {
  const { match, warnings, days } = comparison;
  const registration = match?.registration;
  const state = match?.state ?? "STATE_UNSPECIFIED";
  return (
    <div class="notes">
      <p class="muted">
        {days !== undefined && `${t("days", { n: number(days, 0) })}. `}
        {withFilm(comparison)
          ? t("laid")
          : registration?.levels ? t("aligned", { n: registration.levels, mm: number(registration.residual_mm) }) : t("notAligned")}{" "}
        {t(state, { n: Math.abs(match?.offset ?? 0) })}
      </p>
      <FilmNotes comparison={comparison} />
      {warnings?.map((w) => <p key={w.message} class="note warn"><Say text={w.message} /></p>)}
    </div>
  );
}
