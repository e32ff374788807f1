// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// How many millimetres a film shows, as a reader says by two points of a known distance.

import { useState } from "preact/hooks";
import { number, words } from "../i18n";
import type { Analysis } from "../messages";
import { Say } from "../say";
import { distance, told, type Vec } from "../study/geometry";
import type { Review } from "../study/usereview";

const t = words(
  {
    title: "Scale", how: "Put the crosshair on one end of something whose length in the patient, at the depth of the spine, you know, and mark it; then on the other end.",
    first: "Mark one end", second: "Mark the other end", mm: "Length, mm", set: "Set the scale", now: "Now:", apart: "{n} pixels apart", sd: "any length ± {percent} %",
  },
  {
    title: "Schaal", how: "Zet het dradenkruis op een uiteinde van iets waarvan u de lengte in de patiënt, op de diepte van de wervelkolom, kent en markeer het; daarna op het andere uiteinde.",
    first: "Een uiteinde markeren", second: "Het andere uiteinde markeren", mm: "Lengte, mm", set: "Schaal instellen", now: "Nu:", apart: "{n} pixels uit elkaar", sd: "elke lengte ± {percent} %",
  },
);

export function Scale({ review, analysis, cross }: { review: Review; analysis: Analysis; cross: Vec }) {
  const [ends, setEnds] = useState<{ first?: Vec; second?: Vec }>({});
  const [mm, setMM] = useState("");
  const { first, second } = ends;
  const length = Number(mm.replace(",", "."));
  const ready = first && second && length > 0 && Number.isFinite(length);
  const set = () => {
    review.act({ corrections: [{ calibrate_film: { known_distance: { from: told(first!, true), to: told(second!, true), mm: length } } }] });
    setEnds({});
    setMM("");
  };
  const { reason, relative_sd_percent: sd } = analysis.film?.calibration ?? {};
  return (
    <details class="scale" open={sd === undefined}>
      <summary>{t("title")}</summary>
      {reason && <p class="muted">{t("now")} <Say text={reason} />{sd !== undefined && `, ${t("sd", { percent: number(sd) })}`}</p>}
      <p>{t("how")}</p>
      <p class="buttons">
        <button type="button" aria-pressed={first !== undefined} onClick={() => setEnds({ ...ends, first: cross })}>{t("first")}</button>
        <button type="button" aria-pressed={second !== undefined} onClick={() => setEnds({ ...ends, second: cross })}>{t("second")}</button>
        <label>{t("mm")} <input name="mm" inputMode="decimal" size={6} value={mm} onInput={(e) => setMM(e.currentTarget.value)} /></label>
        <button type="button" disabled={!ready} onClick={set}>{t("set")}</button>
      </p>
      {first && second && <p class="muted">{t("apart", { n: number(distance(first, second), 0) })}</p>}
    </details>
  );
}
