// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from "preact";
import { moment, words } from "../i18n";
import type { Open } from "./dialogs";
import type { Review } from "./usereview";

const t = words(
  {
    undo: "Undo", redo: "Redo", save: "Save…", accept: "Accept…", changes: "{n} not saved", change: "1 not saved",
    automatic: "Automatic result", revision: "Revision {n} by {author}, {when}", reviewed: "Reviewed by {author}", notReviewed: "Not reviewed",
    actions: "Corrections", readOnly: "You may look, not correct.",
  },
  {
    undo: "Ongedaan maken", redo: "Opnieuw", save: "Opslaan…", accept: "Akkoord…", changes: "{n} niet opgeslagen", change: "1 niet opgeslagen",
    automatic: "Automatisch resultaat", revision: "Revisie {n} van {author}, {when}", reviewed: "Beoordeeld door {author}", notReviewed: "Niet beoordeeld",
    actions: "Correcties", readOnly: "U mag kijken, niet corrigeren.",
  },
);

/** Which revision this is, whether it was reviewed, and what becomes of changes. */
export function SaveBar({ review, mayCorrect, kept, open, children }: {
  review: Review;
  mayCorrect: boolean;
  kept: boolean;
  open: (o: Open) => void;
  children: ComponentChildren;
}) {
  const r = review.base.revision;
  const n = review.draft.done;
  return (
    <header class="savebar">
      <p>
        {r?.number ? t("revision", { n: r.number, author: r.author ?? "", when: moment(r.created_at) }) : t("automatic")}{" "}
        {r?.reviewed ? <span class="badge good">{t("reviewed", { author: r.author ?? "" })}</span> : <span class="badge">{t("notReviewed")}</span>}{" "}
        {n > 0 && <span class="badge warn" role="status">{n === 1 ? t("change") : t("changes", { n })}</span>}
      </p>
      {mayCorrect ? (
        <div class="buttons" role="group" aria-label={t("actions")}>
          <button type="button" disabled={n === 0} onClick={review.undo}>{t("undo")}</button>
          <button type="button" disabled={n === review.draft.steps.length} onClick={review.redo}>{t("redo")}</button>
          <button type="button" class="primary" disabled={review.saving} onClick={() => open({ kind: "save" })}>{n > 0 ? t("save") : t("accept")}</button>
        </div>
      ) : !kept && <p class="muted">{t("readOnly")}</p>}
      {children}
    </header>
  );
}
