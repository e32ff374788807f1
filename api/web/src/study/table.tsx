// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useState } from "preact/hooks";
import { number, withSD, words } from "../i18n";
import { useKeys } from "../keys";
import type { Vertebra } from "../messages";
import { say, Say } from "../say";
import { sameVertebra } from "./landmarks";
import type { PanelProps } from "./panels";
import { grade, tone, wallState } from "./measures";

const t = words(
  {
    caption: "Vertebrae with heights, loss, grade, posterior wall, canal and density", level: "Level", expected: "expected", loss: "Loss, %",
    grade: "Grade", wedge: "Wedge, °", wall: "Wall", canal: "Canal, mm", density: "HU", cement: "Cement, ml", none: "No vertebra was found: {reason}",
    changed: "automatic: {value}", add: "Add a vertebra…", byReader: "changed by a reader",
    STATUS_UNSPECIFIED: "–", MEASURED: "measured", TRUNCATED: "cut by the field of view", NOT_MEASURABLE: "not measurable",
    ofExpected: "% of expected", ofPosterior: "{ratio} of Hp",
    more: "More columns", moreHint: "Canal, attenuation and cement", keys: "Vertebrae", keyMore: "more or fewer columns of the table",
  },
  {
    caption: "Wervels met hoogten, verlies, graad, achterwand, kanaal en dichtheid", level: "Niveau", expected: "verwacht", loss: "Verlies, %",
    grade: "Graad", wedge: "Wig, °", wall: "Wand", canal: "Kanaal, mm", density: "HU", cement: "Cement, ml", none: "Er is geen wervel gevonden: {reason}",
    changed: "automatisch: {value}", add: "Wervel toevoegen…", byReader: "door een beoordelaar gewijzigd",
    STATUS_UNSPECIFIED: "–", MEASURED: "gemeten", TRUNCATED: "afgesneden door het beeldveld", NOT_MEASURABLE: "niet meetbaar",
    ofExpected: "% van verwacht", ofPosterior: "{ratio} van Hp",
    more: "Meer kolommen", moreHint: "Kanaal, attenuatie en cement", keys: "Wervels", keyMore: "meer of minder kolommen van de tabel",
  },
);

/** Where it is kept whether a reader wants the columns that are not looked at every day. */
const kept = "endplate.columns";

/** What stands behind the heights: what is looked at every day, and what else there is. */
const everyday = ["loss", "grade", "wedge", "wall"] as const;
const others = ["canal", "density"] as const;

/** A row for each vertebra; to choose a row is to go to the vertebra. */
export function VertebraTable(p: PanelProps) {
  const all = p.analysis.vertebrae ?? [];
  const { film } = p.analysis;
  const bare = film?.calibration?.basis === "UNCALIBRATED"; // there are ratios alone
  const [wanted, setMore] = useState(() => localStorage.getItem(kept) === "all");
  const more = wanted && !film; // none of the other columns is of a film
  const toggle = () => {
    localStorage.setItem(kept, more ? "everyday" : "all");
    setMore(!more);
  };
  useKeys(t("keys"), [{ key: "t", label: t("keyMore"), run: toggle }]);
  const cement = more && all.some((v) => v.cement);
  const named = more ? [...everyday, ...others] : everyday;
  const columns = 4 + named.length + (cement ? 1 : 0);
  return (
    <>
      {all.length === 0 && <p class="empty">{t("none", { reason: say(p.analysis.reason) })}</p>}
      <div class="scroll">
        <table class="vertebrae">
          <caption class="hidden">{t("caption")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("level")}</th>
              {["Ha", "Hm", "Hp"].map((h) => (
                <th key={h} scope="col" class="numeric">{bare ? h : `${h}, mm`}<br /><small>{t(bare ? "ofExpected" : "expected")}</small></th>
              ))}
              {named.map((c) => (
                <th key={c} scope="col" class={c === "grade" || c === "wall" ? "" : "numeric"}>{t(c)}</th>
              ))}
              {cement && <th scope="col" class="numeric">{t("cement")}</th>}
            </tr>
          </thead>
          <tbody>{all.map((v) => <Row key={v.level} v={v} p={p} columns={columns} more={more} cement={cement} />)}</tbody>
        </table>
      </div>
      <p class="buttons">
        {!film && <button type="button" aria-pressed={more} title={t("moreHint")} onClick={toggle}>{t("more")}</button>}
        {p.mayCorrect && <button type="button" onClick={() => p.open({ kind: "add" })}>{t("add")}</button>}
      </p>
    </>
  );
}

function Row({ v, p, columns, more, cement }: { v: Vertebra; p: PanelProps; columns: number; more: boolean; cement: boolean }) {
  const chosen = v.level === p.selected;
  const auto = p.review.automatic ?? (p.review.draft.done > 0 ? p.review.base.report?.analyses?.[p.review.index] : undefined);
  const was = sameVertebra(auto, v);
  const sure = v.level_probability === undefined || v.level_probability >= 0.995;
  const touched = v.level_by_reader || v.status_by_reader || v.added_by_reader;
  const name = (
    <th scope="row">
      <button type="button" class="level" aria-pressed={chosen} onClick={() => p.select(v.level!)}>{v.level}</button>
      {touched && <small title={t("byReader")}> ✎</small>}
      {!sure && <small class="probability">{Math.round(100 * v.level_probability!)} %{v.level_alternative ? ` (${v.level_alternative})` : ""}</small>}
    </th>
  );
  if (!v.heights && !v.ratios) {
    return (
      <tr aria-selected={chosen} class="unmeasured" onClick={() => p.select(v.level!)} data-row={v.level}>
        {name}<td colSpan={columns - 1}>{v.status_reason ? <Say text={v.status_reason} /> : t(v.status ?? "STATUS_UNSPECIFIED")}</td>
      </tr>
    );
  }
  const h = v.heights ?? {};
  return (
    <tr aria-selected={chosen} class={tone(v)} onClick={() => p.select(v.level!)} data-row={v.level}>
      {name}
      {(["anterior", "middle", "posterior"] as const).map((one) => v.heights || !v.ratios ? (
        <Height
          key={one} value={h[`${one}_mm`]} sd={h[`${one}_sd_mm`]} expected={h[`expected_${one}_mm`]} was={was?.heights?.[`${one}_mm`]}
          compared={was !== undefined} data={one}
        />
      ) : (
        <Ratio
          key={one} percent={v.ratios[`${one}_of_expected_percent`]} sd={v.ratios[`${one}_of_expected_sd_percent`]}
          own={one === "posterior" ? undefined : v.ratios[`${one}_to_posterior`]} data={one}
        />
      ))}
      <td class="numeric">{number(v.deformity?.worst_loss_percent, 0)}</td>
      <td>{grade(v)}</td>
      <td class="numeric">{number(v.wedge_angle_deg)}</td>
      <td>{wallState(v.posterior_wall?.state)}</td>
      {more && <td class="numeric">{number(v.canal?.ap_mm)}</td>}
      {more && <td class="numeric">{number(v.attenuation?.median_hu, 0)}</td>}
      {cement && <td class="numeric">{v.cement ? number(v.cement.volume_ml) : ""}</td>}
    </tr>
  );
}

/** A height on a film that tells no millimetres: relative to the expected one, and to the own posterior one. */
function Ratio({ percent, sd, own, data }: { percent: number | undefined; sd: number | undefined; own: number | undefined; data: string }) {
  return (
    <td class="numeric" data-ratio={data} data-percent={percent}>
      {withSD(percent, sd, 0)}<br />
      <small>{own !== undefined && t("ofPosterior", { ratio: number(own, 2) })}</small>
    </td>
  );
}

/** A height is marked where it differs from the automatic one, which is told beside it. */
function Height({ value, sd, expected, was, compared, data }: {
  value: number | undefined; sd: number | undefined; expected: number | undefined; was: number | undefined; compared: boolean; data: string;
}) {
  const changed = compared && value !== undefined && (was === undefined || Math.abs(value - was) >= 0.05);
  return (
    <td class={changed ? "numeric changed" : "numeric"} title={changed ? t("changed", { value: number(was) }) : undefined} data-height={data} data-mm={value}>
      {withSD(value, sd)}<br />
      <small>{changed ? t("changed", { value: number(was) }) : number(expected)}</small>
    </td>
  );
}
