// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Where vertebrae lie on a film, as a reader says: the server finds them from there.

import { useState } from "preact/hooks";
import { words } from "../i18n";
import type { Analysis, Level, Seed } from "../messages";
import { told, type Vec } from "../study/geometry";
import { levels } from "../study/landmarks";
import type { Review } from "../study/usereview";

const t = words(
  {
    title: "Find vertebrae", how: "Put the crosshair on the middle of a vertebral body, choose its level and mark it; two or more, then find.",
    level: "Level", mark: "Mark the crosshair", find: "Find", clear: "Clear", side: "Anterior is", unknown: "as seen", LEFT: "left", RIGHT: "right",
  },
  {
    title: "Wervels zoeken", how: "Zet het dradenkruis op het midden van een wervellichaam, kies het niveau en markeer het; twee of meer, en zoek dan.",
    level: "Niveau", mark: "Dradenkruis markeren", find: "Zoeken", clear: "Wissen", side: "Anterieur is", unknown: "zoals te zien", LEFT: "links", RIGHT: "rechts",
  },
);

/** The levels that are found on films. */
const seedable = levels.filter((l) => levels.indexOf(l) >= levels.indexOf("T4") && levels.indexOf(l) <= levels.indexOf("L5") && l !== "T13");

export function Seeds({ review, analysis, cross }: { review: Review; analysis: Analysis; cross: Vec }) {
  const [seeds, setSeeds] = useState<Seed[]>([]);
  const [level, setLevel] = useState<Level>("L1");
  const [side, setSide] = useState<"" | "LEFT" | "RIGHT">("");
  const measured = analysis.vertebrae?.some((v) => v.status === "MEASURED") ?? false;
  const mark = () => {
    setSeeds([...seeds.filter((s) => s.level !== level), { level, center: told(cross, true) }]);
    setLevel(seedable[seedable.indexOf(level) + 1] ?? level);
  };
  const find = () => {
    review.act({ corrections: [{ seed_vertebrae: { seeds, find_others: !measured, ...(side && { anterior: side }) } }] });
    setSeeds([]);
  };
  return (
    <details class="seeds" open={!measured}>
      <summary>{t("title")}</summary>
      <p>{t("how")}</p>
      <p class="buttons">
        <label>{t("level")} <select name="seed" value={level} onChange={(e) => setLevel(e.currentTarget.value as Level)}>{seedable.map((l) => <option key={l}>{l}</option>)}</select></label>
        <button type="button" onClick={mark}>{t("mark")}</button>
        <label>
          {t("side")}{" "}
          <select name="side" value={side} onChange={(e) => setSide(e.currentTarget.value as "" | "LEFT" | "RIGHT")}>
            <option value="">{t("unknown")}</option><option value="LEFT">{t("LEFT")}</option><option value="RIGHT">{t("RIGHT")}</option>
          </select>
        </label>
      </p>
      {seeds.length > 0 && <p>{seeds.map((s) => `${s.level} ${Math.round(s.center?.column ?? 0)}, ${Math.round(s.center?.row ?? 0)}`).join("; ")}</p>}
      <p class="buttons">
        <button type="button" disabled={seeds.length === 0} onClick={find}>{t("find")}</button>
        <button type="button" disabled={seeds.length === 0} onClick={() => setSeeds([])}>{t("clear")}</button>
      </p>
    </details>
  );
}
