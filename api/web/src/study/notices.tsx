// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { words } from "../i18n";
import type { AnalysisRun, Level } from "../messages";
import { Link, paths } from "../router";
import { sentence } from "../ui";
import type { Review } from "./usereview";
import { sentenceOf } from "./words";

const t = words(
  {
    refused: "This was not changed: {why}", close: "Close", newer: "{author} has saved revision {n} meanwhile.",
    kept: "This is revision {n} of {all} as it was saved. It can be looked at, compared and exported, not changed.",
    keptAutomatic: "This is the automatic result as it was, before {all} revisions. It can be looked at, compared and exported, not changed.",
    keptNewest: "This is revision {n}, the newest, as it was saved. At this address it cannot be changed.",
    toNewest: "To the newest revision", toCorrect: "To where it can be corrected",
    look: "See what to do…", dropped: "These of your changes have nothing to apply to any more and were left out: {which}",
  },
  {
    refused: "Dit is niet gewijzigd: {why}", close: "Sluiten", newer: "{author} heeft intussen revisie {n} opgeslagen.",
    kept: "Dit is revisie {n} van {all} zoals die is opgeslagen. U kunt haar bekijken, vergelijken en exporteren, niet wijzigen.",
    keptAutomatic: "Dit is het automatische resultaat zoals het was, vóór {all} revisies. U kunt het bekijken, vergelijken en exporteren, niet wijzigen.",
    keptNewest: "Dit is revisie {n}, de nieuwste, zoals die is opgeslagen. Op dit adres kan zij niet worden gewijzigd.",
    toNewest: "Naar de nieuwste revisie", toCorrect: "Naar waar zij kan worden gewijzigd",
    look: "Bekijken wat te doen…", dropped: "Deze wijzigingen van u passen nergens meer op en zijn weggelaten: {which}",
  },
);

/** What a reader must know before going on. */
export function Notices({ review, openConflict }: { review: Review; openConflict: () => void }) {
  const last = review.newer.at(-1);
  return (
    <div class="notices" aria-live="polite">
      {last && (
        <div class="note warn">
          <p>{t("newer", { author: last.author ?? "", n: last.number ?? 0 })} <button type="button" onClick={openConflict}>{t("look")}</button></p>
        </div>
      )}
      {review.error !== undefined && (
        <div class="note bad" role="alert">
          <p>{t("refused", { why: sentence(review.error) })} <button type="button" onClick={review.dismiss}>{t("close")}</button></p>
        </div>
      )}
      {review.dropped.length > 0 && (
        <div class="note bad" role="alert">
          <p>
            {t("dropped", { which: review.dropped.flatMap((s) => s.corrections.map(sentenceOf)).join("; ") })}{" "}
            <button type="button" onClick={review.dismiss}>{t("close")}</button>
          </p>
        </div>
      )}
    </div>
  );
}

/** Says that a revision is looked at as it was, and leads back to the newest. */
export function KeptNote({ run, level }: { run: AnalysisRun; level: Level | undefined }) {
  const n = run.revision?.number ?? 0;
  const all = run.latest_revision ?? 0;
  const said = n === all ? "keptNewest" : n === 0 ? "keptAutomatic" : "kept";
  return (
    <p class="note warn kept" role="note">
      {t(said, { n, all })}{" "}
      <Link to={paths.study(run.study_instance_uid!, run.analysis_id!, level)}>{t(n === all ? "toCorrect" : "toNewest")}{n === all ? "" : ` (${all})`}</Link>
    </p>
  );
}
