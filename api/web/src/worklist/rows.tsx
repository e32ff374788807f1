// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import type { RefObject } from "preact";
import { api } from "../api";
import { dicomDateTime, moment, personName } from "../i18n";
import type { Study, WorklistAnalysis, WorklistEntry } from "../messages";
import { Link, paths } from "../router";
import { failureText } from "../failures";
import { say } from "../say";
import { useMay } from "../session";
import { codeName, deformityText, deformityTone, ended, stateName, stateTone, worse } from "../terms";
import { Progress, sentence } from "../ui";
import { type Column, type Order, Sorted } from "./orders";
import { t } from "./words";

/** The analysis of a study that is opened: the worst of those with a result, or else the newest. */
export function latest(e: WorklistEntry): WorklistAnalysis | undefined {
  const withResult = e.analyses?.filter((a) => a.summary) ?? [];
  if (withResult.length === 0) return e.analyses?.[0];
  return withResult.reduce((a, b) => (worse(a.summary!, b.summary!) === b.summary ? b : a));
}

interface RowsProps {
  entries: WorklistEntry[];
  chosen: ReadonlyMap<string, string>;
  choose: ((e: WorklistEntry) => void) | undefined; // absent for who may not compare
  body: RefObject<HTMLTableSectionElement | null>;
  reload: () => void;
  failed: (problem: string) => void;
  order: Order;
  sort: (o: Order) => void;
}

export function Rows({ entries, chosen, choose, body, order, sort, ...act }: RowsProps) {
  const identities = useMay("IDENTITIES");
  const sorted = (column: Column) => <Sorted column={column} order={order} sort={sort} />;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {choose && <th><span class="hidden">{t("compareHint")}</span></th>}
            {sorted("date")}
            {identities && sorted("patient")}
            <th scope="col">{t("study")}</th>
            {sorted("modality")}
            <th scope="col" class="numeric">{t("images")}</th>
            {sorted("state")}
            {sorted("worst")}
            {sorted("review")}
          </tr>
        </thead>
        <tbody ref={body}>
          {entries.map((e) => {
            const uid = e.study!.study_instance_uid!;
            return (
              <Row key={uid} entry={e} identities={identities} chosen={chosen.has(uid)} choose={choose && (() => choose(e))} {...act} />
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function nameOf(study: Study): string {
  return study.study_description || study.study_instance_uid!;
}

function Row({ entry, identities, chosen, choose, reload, failed }: {
  entry: WorklistEntry;
  identities: boolean;
  chosen: boolean;
  choose: (() => void) | undefined;
  reload: () => void;
  failed: (problem: string) => void;
}) {
  const study = entry.study!;
  const uid = study.study_instance_uid!;
  const shown = latest(entry);
  return (
    <tr data-study={uid} aria-selected={choose ? chosen : undefined}>
      {choose && (
        <td>
          <input type="checkbox" checked={chosen} disabled={!shown?.revision} aria-label={t("select", { study: nameOf(study) })} onChange={choose} />
        </td>
      )}
      <td class="date" title={`${t("received")} ${moment(study.last_received_at)}`}>{dicomDateTime(study.study_date_time)}</td>
      {identities && <td class="patient"><PatientCell study={study} /></td>}
      <td>
        <Link class="open" title={uid} to={paths.study(uid, shown?.revision ? shown.analysis?.analysis_id : undefined)}>{nameOf(study)}</Link>
        {study.accession_number && <small class="muted">{study.accession_number}</small>}
      </td>
      <td>{study.modalities?.join(", ")}</td>
      <td class="numeric">{study.instance_count}</td>
      <td><StateCell entry={entry} reload={reload} failed={failed} /></td>
      <td><WorstCell analysis={shown} /></td>
      <td><ReviewCell entry={entry} /> <Remove study={study} reload={reload} failed={failed} /></td>
    </tr>
  );
}

function PatientCell({ study }: { study: Study }) {
  const p = study.patient;
  const born = p?.patient_birth_date ? `*${dicomDateTime(p.patient_birth_date)}` : "";
  return (
    <>
      {personName(p?.patient_name) || "–"}
      <small class="muted">{[p?.patient_id, p?.patient_sex, born].filter(Boolean).join(" · ")}</small>
    </>
  );
}

/** Where the analyses of a study stand, and the way to begin or stop one. */
function StateCell({ entry, reload, failed }: { entry: WorklistEntry; reload: () => void; failed: (problem: string) => void }) {
  const mayCorrect = useMay("CORRECT");
  const act = (does: Promise<unknown>) => void does.then(reload, (e: unknown) => failed(sentence(e)));
  const uid = entry.study!.study_instance_uid!;
  if (!entry.analyses?.length) {
    return (
      <>
        <span class="muted">{t("notMeasured")}</span>{" "}
        {mayCorrect && <button type="button" onClick={() => act(measureStudy(uid))}>{t("measure")}</button>}
      </>
    );
  }
  return (
    <>
      {entry.analyses.map(({ analysis }) => (
        <div class="state" key={analysis!.analysis_id}>
          {analysis!.state === "RUNNING"
            ? <Progress done={analysis!.fraction_done ?? 0} label={analysis!.stage ? say(analysis!.stage) : stateName("RUNNING")} />
            : <span class={`badge ${stateTone(analysis!.state)}`} title={failureText(analysis!)}>{stateName(analysis!.state)}</span>}
          {mayCorrect && !ended(analysis) && (
            <button type="button" onClick={() => act(api.cancelAnalysis(analysis!.analysis_id!))}>{t("cancel")}</button>
          )}
        </div>
      ))}
    </>
  );
}

/** Modalities whose series can be measured. */
const measurable = new Set(["CT", "CR", "DX"]);

/** Asks for the series of a study to be measured. */
export async function measureStudy(studyUID: string): Promise<void> {
  const { series = [] } = await api.series(studyUID);
  for (const one of series) {
    if (measurable.has(one.modality ?? "")) await api.createAnalysis({ series_instance_uid: one.series_instance_uid! });
  }
}

function WorstCell({ analysis }: { analysis: WorklistAnalysis | undefined }) {
  const summary = analysis?.summary;
  if (!summary) return <span class="muted">–</span>;
  const studyUID = analysis.analysis!.study_instance_uid!;
  const others = summary.finding_codes?.filter((c) => !c.endsWith("VERTEBRAL_DEFORMITY")) ?? [];
  const counted = t("measured", { n: summary.measured ?? 0, deformed: summary.deformed ?? 0 });
  return (
    <>
      {summary.worst && summary.worst_level ? (
        <Link to={paths.study(studyUID, analysis.analysis!.analysis_id, summary.worst_level)} title={counted} class={`badge ${deformityTone(summary.worst)}`}>
          {`${summary.worst_level} ${deformityText(summary.worst)}`}
        </Link>
      ) : <span title={summary.reason ? say(summary.reason) : counted}>{t(summary.measured ? "noDeformity" : "noVertebra")}</span>}
      {others.length > 0 && <small class="muted">{others.map(codeName).join(", ")}</small>}
    </>
  );
}

function ReviewCell({ entry }: { entry: WorklistEntry }) {
  const results = entry.analyses?.filter((a) => a.revision) ?? [];
  if (results.length === 0) return <span class="muted">–</span>;
  if (!results.every((a) => a.revision!.reviewed)) return <span class="badge warn">{t("notReviewed")}</span>;
  const last = results[0]!.revision!;
  return (
    <>
      <span class="badge good" title={moment(last.created_at)}>{t("reviewed")}</span>
      {last.author && <small class="muted">{t("reviewedBy", { author: last.author })}</small>}
    </>
  );
}

function Remove({ study, reload, failed }: { study: Study; reload: () => void; failed: (problem: string) => void }) {
  if (!useMay("ADMINISTER")) return null;
  const remove = () => {
    if (!confirm(t("reallyRemove", { study: nameOf(study), n: study.instance_count ?? 0 }))) return;
    void api.deleteStudy(study.study_instance_uid!).then(reload, (e: unknown) => failed(sentence(e)));
  };
  return <button type="button" class="danger small" onClick={remove} aria-label={`${t("remove")} ${nameOf(study)}`}>✕</button>;
}
