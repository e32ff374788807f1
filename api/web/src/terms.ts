// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The field's terms in the languages of the page: what codes and states of the
// interface are called.

import { number, words } from "./i18n";
import type { AnalysisRun, AnalysisState, Deformity, ResultSummary } from "./messages";

const states = words(
  {
    ANALYSIS_STATE_UNSPECIFIED: "unknown",
    QUEUED: "waiting",
    RUNNING: "being measured",
    SUCCEEDED: "measured",
    FAILED: "failed",
    CANCELLED: "cancelled",
    PARKED: "given up",
  },
  {
    ANALYSIS_STATE_UNSPECIFIED: "onbekend",
    QUEUED: "wacht",
    RUNNING: "wordt gemeten",
    SUCCEEDED: "gemeten",
    FAILED: "mislukt",
    CANCELLED: "afgebroken",
    PARKED: "opgegeven",
  },
);

export function stateName(state: AnalysisState | undefined): string {
  return states(state ?? "ANALYSIS_STATE_UNSPECIFIED");
}

/** How a state stands out: the class of its badge. */
export function stateTone(state: AnalysisState | undefined): string {
  if (state === "SUCCEEDED") return "good";
  return state === "FAILED" || state === "PARKED" ? "bad" : "";
}

export function ended(run: AnalysisRun | undefined): boolean {
  return run?.state !== "QUEUED" && run?.state !== "RUNNING";
}

const codes = words(
  {
    VERTEBRAL_DEFORMITY: "deformity",
    SUSPECTED_VERTEBRAL_DEFORMITY: "suspected deformity",
    SEVERE_COLLAPSE: "severe collapse",
    VERTEBRA_PLANA: "vertebra plana",
    POSTERIOR_WALL_INVOLVED: "posterior wall involved",
    POSTERIOR_WALL_SUSPECT: "posterior wall suspect",
    CANAL_COMPROMISE: "canal compromise",
    PEDICLE_EROSION: "pedicle erosion",
    VACUUM_CLEFT: "vacuum cleft",
    LYTIC_LESION: "lytic lesion",
    SCLEROTIC_LESION: "sclerotic lesion",
    CORTICAL_GAP: "cortical gap",
    ATTENUATION_BAND: "low attenuation",
    HEIGHT_RESTORED: "height restored",
    HEIGHT_UNCHANGED: "height unchanged",
    HEIGHT_LOST_FURTHER: "height lost further",
    RECOLLAPSE: "recollapse",
    NEW_FRACTURE: "new fracture",
    NEW_FRACTURE_ADJACENT: "new fracture, adjacent",
    NEW_FRACTURE_REMOTE: "new fracture, remote",
    KYPHOSIS_CORRECTED: "kyphosis corrected",
    KYPHOSIS_INCREASED: "kyphosis increased",
    NEW_CEMENT: "new cement",
    NEW_CEMENT_LEAK: "new leak of cement",
    RETROPULSION_CHANGED: "retropulsion changed",
    CEMENT: "cement",
    CEMENT_LEAK: "leak of cement",
  },
  {
    VERTEBRAL_DEFORMITY: "deformatie",
    SUSPECTED_VERTEBRAL_DEFORMITY: "mogelijke deformatie",
    SEVERE_COLLAPSE: "ernstige inzakking",
    VERTEBRA_PLANA: "vertebra plana",
    POSTERIOR_WALL_INVOLVED: "achterwand betrokken",
    POSTERIOR_WALL_SUSPECT: "achterwand verdacht",
    CANAL_COMPROMISE: "wervelkanaal vernauwd",
    PEDICLE_EROSION: "erosie van pedikel",
    VACUUM_CLEFT: "vacuümspleet",
    LYTIC_LESION: "lytische laesie",
    SCLEROTIC_LESION: "sclerotische laesie",
    CORTICAL_GAP: "corticaal defect",
    ATTENUATION_BAND: "lage attenuatie",
    HEIGHT_RESTORED: "hoogte hersteld",
    HEIGHT_UNCHANGED: "hoogte onveranderd",
    HEIGHT_LOST_FURTHER: "verder hoogteverlies",
    RECOLLAPSE: "opnieuw ingezakt",
    NEW_FRACTURE: "nieuwe fractuur",
    NEW_FRACTURE_ADJACENT: "nieuwe fractuur, aangrenzend",
    NEW_FRACTURE_REMOTE: "nieuwe fractuur, op afstand",
    KYPHOSIS_CORRECTED: "kyfose gecorrigeerd",
    KYPHOSIS_INCREASED: "kyfose toegenomen",
    NEW_CEMENT: "nieuw cement",
    NEW_CEMENT_LEAK: "nieuwe cementlekkage",
    RETROPULSION_CHANGED: "retropulsie veranderd",
    CEMENT: "cement",
    CEMENT_LEAK: "cementlekkage",
  },
);

/** What a finding's code is called; the code itself where there is no word for it. */
export function codeName(code: string | undefined): string {
  return codes(code as "CEMENT") ?? (code ?? "").toLowerCase().replaceAll("_", " ");
}

const angles = words(
  { THORACIC_KYPHOSIS: "Thoracic kyphosis", LUMBAR_LORDOSIS: "Lumbar lordosis", GARDNER: "Gardner", BISEGMENTAL_COBB: "Bisegmental Cobb", superior: "superior", inferior: "inferior" },
  { THORACIC_KYPHOSIS: "Thoracale kyfose", LUMBAR_LORDOSIS: "Lumbale lordose", GARDNER: "Gardner", BISEGMENTAL_COBB: "Bisegmentale Cobb", superior: "boven", inferior: "onder" },
);

/** What an angle is called; its code where there is no word for it. */
export function angleName(code: string | undefined): string {
  return angles(code as "GARDNER") ?? (code ?? "").toLowerCase().replaceAll("_", " ");
}

/** What an endplate such as "T4 superior" is called. */
export function endplateName(endplate: string | undefined): string {
  const [level = "", side = ""] = (endplate ?? "").split(" ");
  return `${level} ${angles(side as "superior") ?? side}`.trim();
}

const shapes = words(
  { SHAPE_UNSPECIFIED: "", NONE: "", WEDGE: "wedge", BICONCAVE: "biconcave", CRUSH: "crush", grade: "Genant {grade}", suspected: "suspected" },
  { SHAPE_UNSPECIFIED: "", NONE: "", WEDGE: "wig", BICONCAVE: "biconcaaf", CRUSH: "crush", grade: "Genant {grade}", suspected: "mogelijk" },
);

/** A deformity in a few words, such as "Genant 2 wedge, −39 %". */
export function deformityText(d: Deformity | undefined): string {
  if (!d || d.genant_grade === undefined) return "–";
  const grade = d.genant_grade === 0 ? shapes("suspected") : shapes("grade", { grade: d.genant_grade });
  const shape = shapes(d.shape ?? "NONE");
  const loss = d.worst_loss_percent === undefined ? "" : `, −${number(d.worst_loss_percent, 0)} %`;
  return `${grade}${d.borderline ? "?" : ""}${shape && ` ${shape}`}${loss}`;
}

/** How a deformity stands out. */
export function deformityTone(d: Deformity | undefined): string {
  const grade = d?.genant_grade ?? 0;
  return grade >= 2 ? "bad" : "warn";
}

/** The worse of two results. */
export function worse(a: ResultSummary, b: ResultSummary): ResultSummary {
  const of = (s: ResultSummary) => (s.worst ? (s.worst.genant_grade ?? 0) * 1000 + (s.worst.worst_loss_percent ?? 0) : -1);
  return of(b) > of(a) ? b : a;
}
