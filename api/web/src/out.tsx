// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The way of a result out: documents to save, a link, and what was sent to archives.

import { useState } from "preact/hooks";
import { api, save } from "./api";
import { moment, words } from "./i18n";
import type { ExportAnalysisRequestFormat, ExportAnalysisResponse, Level } from "./messages";
import { DeliveryTable } from "./pages/deliveries";
import { Link, paths } from "./router";
import { Dialog, ErrorNote, sentence, useLoaded } from "./ui";

const t = words(
  {
    out: "Save and send",
    documents: "Save as",
    link: "Link",
    copy: "Copy the link to {what}",
    analysis: "this result",
    revision: "revision {n}",
    copied: "Copied.",
    comparisons: "Comparisons of this study",
    noComparisons: "None yet: choose examinations in the list of studies.",
    sent: "Sent to archives",
    none: "Nothing: the server makes no DICOM objects for archives, or has not yet.",
  },
  {
    out: "Opslaan en verzenden",
    documents: "Opslaan als",
    link: "Link",
    copy: "De link naar {what} kopiëren",
    analysis: "dit resultaat",
    revision: "revisie {n}",
    copied: "Gekopieerd.",
    comparisons: "Vergelijkingen van dit onderzoek",
    noComparisons: "Nog geen: kies onderzoeken in de lijst.",
    sent: "Naar archieven verzonden",
    none: "Niets: de server maakt geen DICOM-objecten voor archieven, of heeft dat nog niet gedaan.",
  },
);

/** The documents that the interface writes of a result, and what they are called. */
const formats: [format: ExportAnalysisRequestFormat, name: string][] = [
  ["CSV", "CSV"],
  ["HTML", "HTML"],
  ["PDF", "PDF"],
  ["JSON", "JSON"],
  ["DICOM_SR", "DICOM SR"],
  ["DICOM_SEG", "DICOM SEG"],
  ["DICOM_SC", "DICOM SC"],
  ["DICOM_PDF", "DICOM PDF"],
];

/** Those of them that there are of a comparison. */
const ofComparison = formats.filter(([format]) => !["PDF", "DICOM_SEG", "DICOM_SC", "DICOM_PDF"].includes(format));

/** Buttons that save a comparison. */
export function SaveComparison({ comparisonID }: { comparisonID: string }) {
  return <Documents formats={ofComparison} write={(format) => api.exportComparison(comparisonID, format)} />;
}

function Documents({ formats, write }: {
  formats: [format: ExportAnalysisRequestFormat, name: string][];
  write: (format: ExportAnalysisRequestFormat) => Promise<ExportAnalysisResponse>;
}) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const one = (format: ExportAnalysisRequestFormat) => {
    setBusy(true);
    setProblem("");
    void write(format).then(save, (e: unknown) => setProblem(sentence(e))).then(() => setBusy(false));
  };
  return (
    <div class="documents" role="group" aria-label={t("documents")}>
      <span class="muted">{t("documents")}</span>
      {formats.map(([format, name]) => <button key={format} type="button" disabled={busy} onClick={() => one(format)}>{name}</button>)}
      {problem && <p class="note bad" role="alert">{problem}</p>}
    </div>
  );
}

interface Props {
  studyUID: string;
  analysisID: string;
  revision: number;
  /** Whether links lead to the revision, and not to the newest. */
  kept: boolean;
  /** The level that is looked at, which a link may be to. */
  level: Level | undefined;
}

/** A button, and the window that it opens. */
export function Out(props: Props) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>{t("out")}</button>
      <Dialog open={open} close={() => setOpen(false)} title={t("out")} wide><Ways {...props} /></Dialog>
    </>
  );
}

function Ways({ studyUID, analysisID, revision, kept, level }: Props) {
  const [said, say] = useState("");
  const deliveries = useLoaded((signal) => api.deliveries({ analysis_id: analysisID, page_size: 500 }, signal), [analysisID]);
  const comparisons = useLoaded((signal) => api.comparisons({ study_instance_uid: studyUID }, signal), [studyUID]);
  const copy = (to: Level | undefined) =>
    void navigator.clipboard.writeText(location.origin + paths.study(studyUID, analysisID, to, kept ? revision : undefined))
      .then(() => say(t("copied")), (e: unknown) => say(sentence(e)));
  const mine = deliveries.value?.deliveries?.filter((d) => (d.revision ?? 0) === revision) ?? [];
  return (
    <div class="out">
      <Documents formats={formats} write={(format) => api.exportAnalysis(analysisID, format, revision)} />
      <h3>{t("link")}</h3>
      <p>
        <button type="button" onClick={() => copy(undefined)}>{t("copy", { what: kept ? t("revision", { n: revision }) : t("analysis") })}</button>
        {level && <button type="button" onClick={() => copy(level)}>{t("copy", { what: level })}</button>}
      </p>
      <p role="status">{said}</p>
      <h3>{t("comparisons")}</h3>
      {comparisons.value?.comparisons?.length
        ? <ul>{comparisons.value.comparisons.map((c) => <li key={c.comparison_id}><Link to={paths.comparison(c.comparison_id!)}>{moment(c.created_at)}</Link></li>)}</ul>
        : <p class="muted">{t("noComparisons")}</p>}
      <h3>{t("sent")}</h3>
      {deliveries.error !== undefined && <ErrorNote error={deliveries.error} retry={deliveries.reload} />}
      {deliveries.value && (mine.length > 0
        ? <DeliveryTable deliveries={mine} reload={deliveries.reload} inStudy />
        : <p class="muted">{t("none")}</p>)}
    </div>
  );
}
