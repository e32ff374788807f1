// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Why something came to nothing, in the language of the page. The server tells a code and
// words in English, which name the instance, the attribute and the like: the code is said
// in Dutch, and the words stand beside it for those who look into the cause.

import { language, words } from "./i18n";
import type { AnalysisState, ErrorReason, Skipped } from "./messages";
import { told } from "./say";
import { stateName } from "./terms";

/** Codes of jobs that ended beside the names of an ErrorReason. */
type JobCode = "CANCELLED" | "CRASHED" | "TIME_LIMIT" | "MEMORY_LIMIT";

const dutch: Record<ErrorReason | JobCode, string> = {
  ERROR_REASON_UNSPECIFIED: "de reden is niet bekend",
  ERROR_REASON_INVALID_FIELD: "de opdracht kan zo niet",
  ERROR_REASON_MALFORMED_INSTANCE: "geen DICOM-bestand, of een beschadigd",
  ERROR_REASON_MISSING_ATTRIBUTE: "een attribuut dat niet kan ontbreken, ontbreekt",
  ERROR_REASON_UNSUPPORTED_SOP_CLASS: "een soort object dat deze server niet aanneemt",
  ERROR_REASON_UNSUPPORTED_TRANSFER_SYNTAX: "een transfersyntaxis die deze server niet leest",
  ERROR_REASON_INSTANCE_CONFLICT: "een ander beeld met dezelfde identificatie is al opgeslagen",
  ERROR_REASON_CHECKSUM_MISMATCH: "de bytes zijn niet die welke zijn aangekondigd",
  ERROR_REASON_NOT_FOUND: "het is er niet",
  ERROR_REASON_NOT_FINISHED: "het resultaat is er nog niet",
  ERROR_REASON_ANALYSIS_FAILED: "de analyse is mislukt, er is geen resultaat",
  ERROR_REASON_STALE_REVISION: "iemand anders heeft het intussen gewijzigd",
  ERROR_REASON_IMPOSSIBLE_CORRECTION: "deze wijziging kan niet",
  ERROR_REASON_REQUEST_ID_REUSED: "deze opdracht is al met een andere inhoud gegeven",
  ERROR_REASON_OTHER_PATIENT: "de onderzoeken zijn van verschillende patiënten",
  ERROR_REASON_NO_COMMON_LEVEL: "geen niveau is in beide onderzoeken gemeten",
  ERROR_REASON_NOTHING_MEASURED: "in een van de onderzoeken is geen wervel gemeten",
  ERROR_REASON_NO_SUCH_VIEW: "het resultaat staat dit beeld niet toe",
  ERROR_REASON_STORAGE_FULL: "er is geen ruimte meer",
  ERROR_REASON_LIMIT_EXCEEDED: "meer dan de server ineens aanneemt",
  ERROR_REASON_STORAGE_UNAVAILABLE: "de opslag antwoordt niet",
  ERROR_REASON_SHUTTING_DOWN: "de server stopt",
  ERROR_REASON_UNAUTHENTICATED: "u bent niet aangemeld, of uw toegang geldt niet meer",
  ERROR_REASON_ROLE_MISSING: "uw rollen staan dit niet toe",
  ERROR_REASON_STORED_DATA_CORRUPT: "opgeslagen gegevens zijn beschadigd",
  ERROR_REASON_INTERNAL: "een fout in de server; het logboek zegt meer",
  ERROR_REASON_NOT_DEIDENTIFIABLE: "de beeldpunten kunnen de patiënt tonen, en deze server verwijdert identiteiten",
  CANCELLED: "afgebroken",
  CRASHED: "het proces is vastgelopen",
  TIME_LIMIT: "het duurde langer dan mag",
  MEMORY_LIMIT: "het vroeg meer geheugen dan mag",
};

const t = words({ technical: "What the server says" }, { technical: "Wat de server zegt" });

/** What a code with the server's words for it comes to. */
export function because(code: string | undefined, text: string | undefined): string {
  const said = told(text);
  if (language() === "en" || (text && !said.lang)) return said.text;
  return dutch[code as ErrorReason] ?? said.text;
}

/** Why a job ended without a result. */
export function failureText(job: { reason_code?: string; reason?: string; state?: AnalysisState }): string {
  return because(job.reason_code, job.reason) || stateName(job.state);
}

/** The server's words, where the sentence before them is not of them. */
export function Technical({ text }: { text: string | undefined }) {
  if (!text || told(text).lang === undefined) return null;
  return <details class="technical"><summary>{t("technical")}</summary><p lang="en">{text}</p></details>;
}

/** Why an input gave no analysis. */
const skippedInDutch: Record<string, string> = {
  UNREADABLE: "het bestand is niet te lezen",
  NOT_DICOM: "geen DICOM-bestand",
  MALFORMED: "beschadigd",
  TRUNCATED: "het bestand houdt te vroeg op",
  TOO_LARGE: "te groot",
  MISSING_ATTRIBUTE: "een attribuut ontbreekt",
  INVALID_ATTRIBUTE: "een attribuut heeft een waarde die niet kan",
  NO_PIXEL_DATA: "geen beeldpunten",
  CORRUPT_PIXEL_DATA: "beschadigde beeldpunten",
  UNSUPPORTED_TRANSFER_SYNTAX: "een transfersyntaxis die niet wordt gelezen",
  UNSUPPORTED_OBJECT: "een soort object dat niet wordt gemeten",
  LOCALIZER: "een overzichtsopname",
  TOO_FEW_SLICES: "te weinig coupes",
  INCONSISTENT_POSITIONS: "de coupes liggen niet op één lijn",
  NO_VERTEBRA: "geen wervel gevonden",
  FAILED: "de meting is mislukt",
};

export function skippedText({ code, reason }: Skipped): string {
  const said = told(reason);
  return said.lang ? skippedInDutch[code ?? ""] ?? said.text : said.text;
}
