// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { number, withSD, words } from "../i18n";
import type { Vertebra, WallCriterion } from "../messages";
import { Say } from "../say";
import { sameVertebra } from "./landmarks";
import { grade, wallState } from "./measures";
import type { PanelProps } from "./panels";

const t = words(
  {
    ofExpected: "{height}, % of the expected", ofPosterior: "{height} of the posterior height",
    level: "Level", measure: "Measure", automatic: "Automatic", now: "Now", expected: "Expected", wedge: "Wedge angle, °", disc: "Disc below, mm", loss: "Loss, %", grade: "Grade",
    wall: "Posterior wall", retropulsion: "Retropulsion, mm", canal: "Canal, mm", area: "Canal, mm²", compromise: "Canal compromise, %", density: "Attenuation, HU",
    cement: "Cement, ml", rename: "Rename…", fix: "Name is right", notMeasurable: "Not measurable…", measurable: "Measurable after all", remove: "Remove…",
    from: "Expected from {levels}", because: "Why not", corrections: "Correct {level}", wallCriteria: "Criteria of the posterior wall",
    facts: "Facts for treatment", candidates: "Classes that nothing seen speaks against", met: "met", unmet: "not met", unknown: "not measured",
    link: "Link to {level}",
    YES: "yes", NO: "no", CANNOT_TELL: "cannot be told", ANSWER_UNSPECIFIED: "–",
  },
  {
    ofExpected: "{height}, % van de verwachte", ofPosterior: "{height} van de posterieure hoogte",
    level: "Niveau", measure: "Maat", automatic: "Automatisch", now: "Nu", expected: "Verwacht", wedge: "Wighoek, °", disc: "Schijf eronder, mm", loss: "Verlies, %", grade: "Graad",
    wall: "Achterwand", retropulsion: "Retropulsie, mm", canal: "Kanaal, mm", area: "Kanaal, mm²", compromise: "Kanaalvernauwing, %", density: "Attenuatie, HU",
    cement: "Cement, ml", rename: "Hernoemen…", fix: "Naam klopt", notMeasurable: "Niet meetbaar…", measurable: "Toch meetbaar", remove: "Verwijderen…",
    from: "Verwacht volgens {levels}", because: "Waarom niet", corrections: "{level} corrigeren", wallCriteria: "Criteria van de achterwand",
    facts: "Feiten voor de behandeling", candidates: "Klassen waartegen niets spreekt", met: "voldaan", unmet: "niet voldaan", unknown: "niet gemeten",
    link: "Koppeling naar {level}",
    YES: "ja", NO: "nee", CANNOT_TELL: "niet te zeggen", ANSWER_UNSPECIFIED: "–",
  },
);

/** All that is known of the chosen vertebra, automatic and corrected side by side, and what can be changed. */
export function Detail({ v, ...p }: PanelProps & { v: Vertebra }) {
  const auto = p.review.automatic ?? p.review.base.report?.analyses?.[p.review.index];
  const was = sameVertebra(auto, v);
  const level = v.level!;
  const act = (corrections: Parameters<typeof p.review.act>[0]["corrections"]) => p.review.act({ corrections });
  return (
    <section class="detail" aria-label={level}>
      <h2>{level} <CopyLink level={level} /></h2>
      {v.status_reason && <p class="note warn"><Say text={v.status_reason} /></p>}
      {p.mayCorrect && (
        <div class="buttons" role="group" aria-label={t("corrections", { level })}>
          <button type="button" onClick={() => p.open({ kind: "rename", level })}>{t("rename")}</button>
          <button type="button" disabled={v.level_by_reader} onClick={() => act([{ rename_level: { from: level, to: level } }])}>{t("fix")}</button>
          {v.status === "MEASURED" && <button type="button" onClick={() => p.open({ kind: "unmeasurable", level })}>{t("notMeasurable")}</button>}
          {v.status === "NOT_MEASURABLE" && v.status_by_reader && (
            <button type="button" onClick={() => act([{ mark_measurable: { level, measurable: true } }])}>{t("measurable")}</button>
          )}
          <button type="button" class="danger" onClick={() => p.open({ kind: "remove", level })}>{t("remove")}</button>
        </div>
      )}
      <Measures v={v} was={was} />
      <Reasons v={v} />
    </section>
  );
}

function CopyLink({ level }: { level: string }) {
  return (
    <a class="small" href={`#${level}`} title={t("link", { level })} aria-label={t("link", { level })}>#</a>
  );
}

type MeasureRow = [string, (one: Vertebra) => string, string?];

/** What a film tells of heights without millimetres. */
const ratioRows = (): MeasureRow[] => [
  [t("ofPosterior", { height: "Ha" }), (o) => withSD(o.ratios?.anterior_to_posterior, o.ratios?.anterior_to_posterior_sd, 2)],
  [t("ofPosterior", { height: "Hm" }), (o) => withSD(o.ratios?.middle_to_posterior, o.ratios?.middle_to_posterior_sd, 2)],
  [t("ofExpected", { height: "Ha" }), (o) => withSD(o.ratios?.anterior_of_expected_percent, o.ratios?.anterior_of_expected_sd_percent, 0)],
  [t("ofExpected", { height: "Hm" }), (o) => withSD(o.ratios?.middle_of_expected_percent, o.ratios?.middle_of_expected_sd_percent, 0)],
  [t("ofExpected", { height: "Hp" }), (o) => withSD(o.ratios?.posterior_of_expected_percent, o.ratios?.posterior_of_expected_sd_percent, 0)],
];

function Measures({ v, was }: { v: Vertebra; was: Vertebra | undefined }) {
  const mm: MeasureRow[] = [
    ["Ha, mm", (o) => withSD(o.heights?.anterior_mm, o.heights?.anterior_sd_mm), number(v.heights?.expected_anterior_mm)],
    ["Hm, mm", (o) => withSD(o.heights?.middle_mm, o.heights?.middle_sd_mm), number(v.heights?.expected_middle_mm)],
    ["Hp, mm", (o) => withSD(o.heights?.posterior_mm, o.heights?.posterior_sd_mm), number(v.heights?.expected_posterior_mm)],
  ];
  const ofCT: MeasureRow[] = [
    [t("retropulsion"), (o) => withSD(o.posterior_wall?.retropulsion_mm, o.posterior_wall?.retropulsion_sd_mm)],
    [t("canal"), (o) => withSD(o.canal?.ap_mm, o.canal?.ap_sd_mm), number(v.canal?.expected_ap_mm)],
    [t("area"), (o) => withSD(o.canal?.area_mm2, o.canal?.area_sd_mm2, 0), number(v.canal?.expected_area_mm2, 0)],
    [t("compromise"), (o) => withSD(o.canal?.area_compromise_percent, o.canal?.area_compromise_sd_percent, 0)],
    [t("density"), (o) => withSD(o.attenuation?.median_hu, o.attenuation?.sd_hu, 0)],
  ];
  const rows: MeasureRow[] = [
    [t("level"), (o) => o.level ?? ""],
    ...(v.heights || !v.ratios ? mm : []),
    ...(v.ratios ? ratioRows() : []),
    [t("loss"), (o) => withSD(o.deformity?.worst_loss_percent, o.deformity?.worst_loss_sd_percent, 0)],
    [t("grade"), grade],
    [t("wedge"), (o) => withSD(o.wedge_angle_deg, o.wedge_angle_sd_deg)],
    [t("disc"), (o) => withSD(o.disc_height_below_mm, o.disc_height_below_sd_mm)],
    [t("wall"), (o) => wallState(o.posterior_wall?.state)],
    ...(v.ratios ? [] : ofCT),
    ...(v.cement ? [[t("cement"), (o: Vertebra) => withSD(o.cement?.volume_ml, o.cement?.volume_sd_ml)] as [string, (o: Vertebra) => string]] : []),
  ];
  return (
    <table class="measures">
      <thead>
        <tr>{(["measure", "automatic", "now", "expected"] as const).map((c) => <th key={c} scope="col" class={c === "measure" ? "" : "numeric"}>{t(c)}</th>)}</tr>
      </thead>
      <tbody>
        {rows.map(([name, tell, expected]) => {
          const [before, now] = [was ? tell(was) : "–", tell(v)];
          return (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="numeric">{before}</td>
              <td class={before === now ? "numeric" : "numeric changed"}>{now}</td>
              <td class="numeric">{expected ?? ""}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The value of a criterion with its unit. */
function measured({ value, unit }: WallCriterion): string {
  if (unit === "1") return number(value, 2);
  return `${number(value)}${unit === "deg" ? "°" : ` ${unit}`}`;
}

/** Why numbers are missing or doubtful, and what judgements rest on. */
function Reasons({ v }: { v: Vertebra }) {
  const reasons = [v.deformity?.reason, v.posterior_wall?.reason, v.posterior_wall?.retropulsion_reason, v.posterior_wall?.gap_reason, v.canal?.reason, v.attenuation?.reason]
    .filter((r): r is string => Boolean(r));
  const criteria = v.posterior_wall?.criteria ?? [];
  return (
    <>
      {v.heights?.expected_from?.length ? <p class="muted">{t("from", { levels: v.heights.expected_from.join(", ") })}</p> : null}
      {reasons.length > 0 && (
        <details open>
          <summary>{t("because")}</summary>
          <ul>{reasons.map((r) => <li key={r}><Say text={r} /></li>)}</ul>
        </details>
      )}
      {criteria.length > 0 && (
        <details>
          <summary>{t("wallCriteria")}</summary>
          <ul>
            {criteria.map((c) => (
              <li key={c.name}>
                <b>{c.met === undefined ? t("unknown") : c.met ? t("met") : t("unmet")}</b>:{" "}
                <Say text={c.rule} /> {c.value === undefined ? <Say text={c.reason} /> : `(${measured(c)})`} <small class="muted"><Say text={c.source} /></small>
              </li>
            ))}
          </ul>
        </details>
      )}
      {v.fracture?.candidates?.length ? (
        <details>
          <summary>{t("candidates")}</summary>
          <ul>{v.fracture.candidates.map((c) => <li key={c.system + (c.class_name ?? "")}>{c.system} {c.class_name} <small class="muted"><Say text={c.source} /></small></li>)}</ul>
        </details>
      ) : null}
      {v.treatment_facts?.length ? (
        <details>
          <summary>{t("facts")}</summary>
          <ul>{v.treatment_facts.map((f) => <li key={f.code}><b>{t(f.answer ?? "ANSWER_UNSPECIFIED")}</b>: <Say text={f.statement} /></li>)}</ul>
        </details>
      ) : null}
    </>
  );
}
