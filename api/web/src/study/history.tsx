// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useState } from "preact/hooks";
import { api } from "../api";
import { moment, words } from "../i18n";
import type { Revision } from "../messages";
import { Link, paths } from "../router";
import { Dialog, ErrorNote, Loading, useLoaded } from "../ui";
import { Beside, Changes } from "./beside";
import type { PanelProps } from "./panels";
import { revisionName, sentenceOf } from "./words";

const t = words(
  {
    reviewed: "reviewed", shown: "shown", mine: "Not saved",
    analysis: "endplate {version}", open: "Open", openNewest: "Open to correct", openWhich: "{open}: {revision}", beside: "Compare revisions…", title: "Revisions side by side",
  },
  {
    reviewed: "beoordeeld", shown: "getoond", mine: "Niet opgeslagen",
    analysis: "endplate {version}", open: "Openen", openNewest: "Openen om te corrigeren", openWhich: "{open}: {revision}", beside: "Revisies vergelijken…", title: "Revisies naast elkaar",
  },
);

/** The revisions, the newest first, with what each changed and by whom; above them what is not saved yet. */
export function History(p: PanelProps) {
  const run = p.review.base;
  const shown = run.revision?.number ?? 0;
  const [beside, setBeside] = useState(false);
  const list = useLoaded((signal) => api.revisions(run.analysis_id!, signal), [run.analysis_id, shown, p.review.newer.length]);
  if (list.error) return <ErrorNote error={list.error} retry={list.reload} />;
  if (!list.value) return <Loading />;
  const all = list.value.revisions ?? [];
  const mine = p.review.draft.steps.slice(0, p.review.draft.done).flatMap((s) => s.corrections);
  return (
    <>
      {all.length > 1 && <p><button type="button" onClick={() => setBeside(true)}>{t("beside")}</button></p>}
      <ol class="history" reversed>
        {mine.length > 0 && (
          <li class="card">
            <h3>{t("mine")}</h3>
            <ul>{mine.map((c, i) => <li key={i}>{sentenceOf(c)}</li>)}</ul>
          </li>
        )}
        {all.toReversed().map((r) => <One key={r.number} r={r} newest={r === all.at(-1)} p={p} />)}
      </ol>
      <Dialog open={beside} close={() => setBeside(false)} title={t("title")} wide>
        <Beside analysisID={run.analysis_id!} index={p.review.index} revisions={all} shown={shown} />
      </Dialog>
    </>
  );
}

function One({ r, newest, p }: { r: Revision; newest: boolean; p: PanelProps }) {
  const number = r.number ?? 0;
  const run = p.review.base;
  const shown = number === (run.revision?.number ?? 0);
  // The newest is opened where it can be corrected.
  const to = paths.study(run.study_instance_uid!, run.analysis_id!, p.selected, newest ? undefined : number);
  const open = t(newest ? "openNewest" : "open");
  return (
    <li class="card">
      <h3>
        {revisionName(number)}{" "}
        {r.reviewed && <span class="badge good">{t("reviewed")}</span>}{" "}
        {shown
          ? <span class="badge">{t("shown")}</span>
          : <Link to={to} class="open" aria-label={t("openWhich", { open, revision: revisionName(number) })}>{open}</Link>}
      </h3>
      <p class="muted">{number === 0 ? t("analysis", { version: p.analysis.algorithm?.version ?? "" }) : r.author} · {moment(r.created_at)}</p>
      {r.comment && <p>“{r.comment}”</p>}
      <Changes r={r} />
    </li>
  );
}
