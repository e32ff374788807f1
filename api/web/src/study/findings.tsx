// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { words } from "../i18n";
import type { Finding } from "../messages";
import { say, Say } from "../say";
import type { PanelProps } from "./panels";

const t = words(
  {
    none: "There are no findings.", accept: "Accept", reject: "Reject…", accepted: "accepted", rejected: "rejected", because: "because: {why}",
    criterion: "Criterion", source: "Source", borderline: "borderline", warnings: "What makes the result doubtful", density: "Density",
    goTo: "Show {level}", of: "Finding: {what}",
    BAND_UNSPECIFIED: "–", NOT_BANDED: "not banded", AT_MOST_110_HU: "L1 at most 110 HU", AT_MOST_135_HU: "L1 over 110 to 135 HU", AT_MOST_160_HU: "L1 over 135 to 160 HU", OVER_160_HU: "L1 over 160 HU",
  },
  {
    none: "Er zijn geen bevindingen.", accept: "Aanvaarden", reject: "Verwerpen…", accepted: "aanvaard", rejected: "verworpen", because: "omdat: {why}",
    criterion: "Criterium", source: "Bron", borderline: "grensgeval", warnings: "Wat het resultaat twijfelachtig maakt", density: "Dichtheid",
    goTo: "{level} tonen", of: "Bevinding: {what}",
    BAND_UNSPECIFIED: "–", NOT_BANDED: "niet ingedeeld", AT_MOST_110_HU: "L1 hoogstens 110 HU", AT_MOST_135_HU: "L1 boven 110 tot 135 HU", AT_MOST_160_HU: "L1 boven 135 tot 160 HU", OVER_160_HU: "L1 boven 160 HU",
  },
);

/** Findings in sentences with the criterion behind each, and what the reader says of them. */
export function Findings(p: PanelProps) {
  const { findings = [], warnings = [], density } = p.analysis;
  return (
    <div class="findings">
      {findings.length === 0 && <p class="empty">{t("none")}</p>}
      {findings.map((f) => <One key={f.code + (f.levels ?? []).join()} f={f} p={p} />)}
      {density && (density.reason || density.criterion) && (
        <article class="card">
          <h3>{t("density")}</h3>
          <p>{density.reason ? <Say text={density.reason} /> : t(density.band ?? "BAND_UNSPECIFIED")}</p>
          <p class="muted"><Say text={density.criterion} /> <small><Say text={density.source} /></small></p>
        </article>
      )}
      {warnings.length > 0 && (
        <section class="note warn">
          <h3>{t("warnings")}</h3>
          <ul>{warnings.map((w) => <li key={w.code + (w.message ?? "")}><Say text={w.message} /></li>)}</ul>
        </section>
      )}
    </div>
  );
}

function One({ f, p }: { f: Finding; p: PanelProps }) {
  const verdict = f.verdict === "ACCEPTED" || f.verdict === "REJECTED" ? f.verdict : undefined;
  const judged = { code: f.code, levels: f.levels ?? [] };
  return (
    <article class={`card ${verdict?.toLowerCase() ?? ""}`} aria-label={t("of", { what: say(f.statement) })}>
      <p>
        {f.levels?.map((l) => (
          <button key={l} type="button" class="level" title={t("goTo", { level: l })} onClick={() => p.select(l)}>{l}</button>
        ))}{" "}
        <span><Say text={f.statement} /></span>{" "}
        {f.borderline && <span class="badge warn">{t("borderline")}</span>}{" "}
        {verdict && <span class={verdict === "ACCEPTED" ? "badge good" : "badge bad"}>{t(verdict === "ACCEPTED" ? "accepted" : "rejected")}</span>}
      </p>
      {f.verdict_reason && <p>{t("because", { why: f.verdict_reason })}</p>}
      <p class="muted"><Say text={f.criterion} /> <small><Say text={f.source} /></small></p>
      {p.mayCorrect && (
        <div class="buttons">
          <button
            type="button" aria-pressed={verdict === "ACCEPTED"}
            onClick={() => p.review.act({ corrections: [{ judge_finding: { ...judged, accepted: true } }] })}
          >
            {t("accept")}
          </button>
          <button type="button" aria-pressed={verdict === "REJECTED"} onClick={() => p.open({ kind: "reject", finding: f })}>{t("reject")}</button>
        </div>
      )}
    </article>
  );
}
