// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { api } from "../api";
import { moment, words } from "../i18n";
import type { Revision } from "../messages";
import { ErrorNote, Loading, useLoaded } from "../ui";
import type { PanelProps } from "./panels";
import { sentenceOf } from "./words";

const t = words(
  {
    automatic: "Automatic result", revision: "Revision {n}", reviewed: "reviewed", shown: "shown", mine: "Not saved", empty: "Nothing was changed.",
    analysis: "endplate {version}",
  },
  {
    automatic: "Automatisch resultaat", revision: "Revisie {n}", reviewed: "beoordeeld", shown: "getoond", mine: "Niet opgeslagen", empty: "Er is niets gewijzigd.",
    analysis: "endplate {version}",
  },
);

/** The revisions, the newest first, with what each changed and by whom; above them what is not saved yet. */
export function History(p: PanelProps) {
  const run = p.review.base;
  const list = useLoaded((signal) => api.revisions(run.analysis_id!, signal), [run.analysis_id, run.revision?.number, p.review.newer.length]);
  if (list.error) return <ErrorNote error={list.error} retry={list.reload} />;
  if (!list.value) return <Loading />;
  const mine = p.review.draft.steps.slice(0, p.review.draft.done).flatMap((s) => s.corrections);
  return (
    <ol class="history" reversed>
      {mine.length > 0 && (
        <li class="card">
          <h3>{t("mine")}</h3>
          <ul>{mine.map((c, i) => <li key={i}>{sentenceOf(c)}</li>)}</ul>
        </li>
      )}
      {(list.value.revisions ?? []).toReversed().map((r) => <One key={r.number} r={r} p={p} />)}
    </ol>
  );
}

function One({ r, p }: { r: Revision; p: PanelProps }) {
  const number = r.number ?? 0;
  const algorithm = p.analysis.algorithm;
  return (
    <li class="card">
      <h3>
        {number === 0 ? t("automatic") : t("revision", { n: number })}{" "}
        {r.reviewed && <span class="badge good">{t("reviewed")}</span>}{" "}
        {number === (p.review.base.revision?.number ?? 0) && <span class="badge">{t("shown")}</span>}
      </h3>
      <p class="muted">{number === 0 ? t("analysis", { version: algorithm?.version ?? "" }) : r.author} · {moment(r.created_at)}</p>
      {r.comment && <p>“{r.comment}”</p>}
      {number > 0 && (r.corrections?.length ? <ul>{r.corrections.map((c, i) => <li key={i}>{sentenceOf(c)}</li>)}</ul> : <p class="muted">{t("empty")}</p>)}
    </li>
  );
}
