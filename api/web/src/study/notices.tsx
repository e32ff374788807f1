// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { words } from "../i18n";
import { sentence } from "../ui";
import type { Review } from "./usereview";
import { sentenceOf } from "./words";

const t = words(
  {
    refused: "This was not changed: {why}", close: "Close", newer: "{author} has saved revision {n} meanwhile.",
    look: "See what to do…", dropped: "These of your changes have nothing to apply to any more and were left out: {which}",
  },
  {
    refused: "Dit is niet gewijzigd: {why}", close: "Sluiten", newer: "{author} heeft intussen revisie {n} opgeslagen.",
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
