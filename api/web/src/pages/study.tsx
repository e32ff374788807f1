// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from "preact/hooks";
import { api } from "../api";
import { dicomDateTime, moment, personName, words } from "../i18n";
import type { AnalysisRun, Study } from "../messages";
import { navigate, paths } from "../router";
import { useMay } from "../session";
import { failureText, skippedText, Technical } from "../failures";
import { say } from "../say";
import { ReviewPage } from "../study/review";
import "../study/study.css";
import { ErrorNote, Loading, Progress, useLoaded } from "../ui";

const t = words(
  {
    title: "Study", none: "Nothing of this study has been measured.", measure: "Measure", analysis: "Analysis", series: "Series",
    QUEUED: "waiting", RUNNING: "running", SUCCEEDED: "done", FAILED: "failed", CANCELLED: "cancelled", PARKED: "given up",
    progress: "{stage}, {percent} %", failed: "It could not be measured: {reason}", stack: "Part {n}", noResult: "The report is empty: {reason}",
  },
  {
    title: "Onderzoek", none: "Van dit onderzoek is niets gemeten.", measure: "Meten", analysis: "Analyse", series: "Reeks",
    QUEUED: "wacht", RUNNING: "bezig", SUCCEEDED: "klaar", FAILED: "mislukt", CANCELLED: "geannuleerd", PARKED: "opgegeven",
    progress: "{stage}, {percent} %", failed: "Het kon niet gemeten worden: {reason}", stack: "Deel {n}", noResult: "Het verslag is leeg: {reason}",
  },
);

type State = "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "PARKED";

/** A study: what was measured in it. analysisID and revision are undefined where the newest is asked for. */
export function StudyPage({ studyUID, analysisID, revision }: { studyUID: string; analysisID: string | undefined; revision: number | undefined }) {
  const study = useLoaded((signal) => api.study(studyUID, signal), [studyUID]);
  const analyses = useLoaded((signal) => api.analyses({ study_instance_uid: studyUID, page_size: 100 }, signal), [studyUID]);
  const all = analyses.value?.analyses ?? [];
  const chosen = analysisID ?? (all.find((a) => a.state === "SUCCEEDED") ?? all[0])?.analysis_id;
  // The server reads the images while the rest of the page comes.
  useEffect(() => {
    if (chosen) void api.render(chosen, { view: "SAGITTAL", format: "NO_PICTURE" }).catch(() => {});
  }, [chosen]);
  const error = study.error ?? analyses.error;
  if (error) return <ErrorNote error={error} retry={study.error ? study.reload : analyses.reload} />;
  if (!study.value || !analyses.value) return <Loading />;
  return (
    <div class="study">
      <Heading study={study.value.study ?? {}} analyses={all} chosen={chosen} />
      {chosen === undefined && <Unmeasured studyUID={studyUID} made={analyses.reload} />}
      {chosen !== undefined && (revision === undefined ? <Watched key={chosen} analysisID={chosen} /> : <Kept analysisID={chosen} revision={revision} />)}
    </div>
  );
}

function Heading({ study, analyses, chosen }: { study: Study; analyses: AnalysisRun[]; chosen: string | undefined }) {
  const name = personName(study.patient?.patient_name) || study.patient?.patient_id;
  return (
    <header class="heading">
      <h1>{name ? `${name} · ` : ""}{study.study_description || t("title")}</h1>
      <span class="muted">{dicomDateTime(study.study_date_time)} · {study.modalities?.join(", ")}</span>
      {analyses.length > 1 && (
        <label>
          {t("analysis")}
          <select value={chosen} onChange={(e) => navigate(paths.study(study.study_instance_uid!, e.currentTarget.value))}>
            {analyses.map((a, i) => (
              <option key={a.analysis_id} value={a.analysis_id}>{analyses.length - i}: {moment(a.created_at)} {t((a.state ?? "QUEUED") as State)}</option>
            ))}
          </select>
        </label>
      )}
    </header>
  );
}

/** An analysis as it comes along, and then its result. */
function Watched({ analysisID }: { analysisID: string }) {
  const [run, setRun] = useState<AnalysisRun>();
  const [error, setError] = useState<unknown>();
  const [turn, again] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const watch = async () => {
      for await (const r of api.watchAnalysis(analysisID, stop.signal)) setRun(r.analysis);
    };
    setError(undefined);
    watch().catch((e: unknown) => stop.signal.aborted || setError(e));
    return () => stop.abort();
  }, [analysisID, turn]);
  if (error !== undefined) return <ErrorNote error={error} retry={() => again((n) => n + 1)} />;
  if (!run) return <Loading />;
  if (run.report) return <Result run={run} />;
  switch (run.state) {
    case "QUEUED":
    case "RUNNING": {
      const done = run.fraction_done ?? 0;
      const label = t("progress", { stage: run.stage ? say(run.stage) : t(run.state), percent: Math.round(100 * done) });
      return <p role="status"><Progress done={done} label={label} /> {label}</p>;
    }
    default:
      return <div class="note bad" role="alert"><p>{t("failed", { reason: failureText(run) })}</p><Technical text={run.reason} /></div>;
  }
}

/** A revision of a result as it was. */
function Kept({ analysisID, revision }: { analysisID: string; revision: number }) {
  const kept = useLoaded((signal) => api.analysis(analysisID, revision, signal), [analysisID, revision]);
  if (kept.error) return <ErrorNote error={kept.error} retry={kept.reload} />;
  return kept.value?.analysis ? <Result run={kept.value.analysis} kept /> : <Loading />;
}

/** A series of several stacks has an analysis of each. */
function Result({ run, kept = false }: { run: AnalysisRun; kept?: boolean }) {
  const [index, setIndex] = useState(0);
  const stacks = run.report?.analyses ?? [];
  if (stacks.length === 0) return <p class="note warn">{t("noResult", { reason: run.report?.skipped?.map((s) => skippedText(s)).join("; ") ?? "" })}</p>;
  return (
    <>
      {stacks.length > 1 && (
        <p class="buttons">
          {stacks.map((_, i) => <button key={i} type="button" aria-pressed={i === index} onClick={() => setIndex(i)}>{t("stack", { n: i + 1 })}</button>)}
        </p>
      )}
      <ReviewPage key={index} run={run} index={index} kept={kept} />
    </>
  );
}

/** A study of which nothing was measured: the reader may ask for it. */
function Unmeasured({ studyUID, made }: { studyUID: string; made: () => void }) {
  const series = useLoaded((signal) => api.series(studyUID, signal), [studyUID]);
  const [error, setError] = useState<unknown>();
  const may = useMay("CORRECT");
  return (
    <>
      <p class="empty">{t("none")}</p>
      {error !== undefined && <ErrorNote error={error} />}
      {may && series.value?.series?.filter((s) => s.modality === "CT" || s.modality === "DX" || s.modality === "CR").map((s) => (
        <p key={s.series_instance_uid}>
          <button type="button" onClick={() => api.createAnalysis({ series_instance_uid: s.series_instance_uid }).then(made, setError)}>
            {t("measure")}: {t("series")} {s.series_number} {s.series_description} ({s.instance_count})
          </button>
        </p>
      ))}
    </>
  );
}
