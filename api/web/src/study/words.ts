// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The words of the views and of what is changed in them; the panels keep their own.

import { words } from "../i18n";
import type { Correction, Level, RenderImageRequestView } from "../messages";
import type { PointName } from "./landmarks";

export const t = words(
  {
    sagittal: "Sagittal", straightened: "Straightened", axial: "Axial", coronal: "Coronal",
    loadingPicture: "Loading…", film: "The film",
    tools: "Image tools", scroll: "Slices", window: "Window", pan: "Move", crosshair: "Crosshair", slab: "Thickness", thin: "Thin", slabOf: "{mm} mm slab", fit: "Fit", follows: "Along spine", followsHint: "The sagittal image follows the spine from side to side",
    scrollTool: "Drag goes through the slices", windowTool: "Drag changes the grey window", panTool: "Drag moves the image", crosshairTool: "Drag moves the crosshair",
    spine: "Spine", bone: "Bone", soft: "Soft tissue", meant: "As taken", contrast: "More contrast",
    overlays: "Overlays",
    layer_bodies: "Bodies", layer_points: "Six points", layer_endplates: "Endplate lines", layer_angle: "Chosen angle",
    layer_canal: "Canal", layer_cement: "Cement", layer_names: "Names", layer_crosshair: "Crosshair",
    SUPERIOR_ANTERIOR: "superior anterior point", SUPERIOR_MIDDLE: "superior middle point", SUPERIOR_POSTERIOR: "superior posterior point",
    INFERIOR_ANTERIOR: "inferior anterior point", INFERIOR_MIDDLE: "inferior middle point", INFERIOR_POSTERIOR: "inferior posterior point",
    superiorEndplateOf: "{level} superior endplate", inferiorEndplateOf: "{level} inferior endplate",
    moved: "{level}: {point} moved", renamed: "{from} is now {to}", renamedAll: "{from} is now {to}, the others follow",
    fixed: "{from}: name confirmed", added: "{level} added", removed: "{level} removed",
    measurable: "{level} is measurable", notMeasurable: "{level} is not measurable: {reason}",
    automatic: "Automatic result", revision: "Revision {n}",
    accepted: "accepted: {code} {levels}", rejected: "rejected: {code} {levels} ({reason})",
  },
  {
    sagittal: "Sagittaal", straightened: "Gestrekt", axial: "Axiaal", coronal: "Coronaal",
    loadingPicture: "Laden…", film: "De opname",
    tools: "Beeldgereedschap", scroll: "Sneden", window: "Venster", pan: "Verschuiven", crosshair: "Kruisdraad", slab: "Dikte", thin: "Dun", slabOf: "{mm} mm dik", fit: "Passend", follows: "Langs kolom", followsHint: "Het sagittale beeld volgt de wervelkolom opzij",
    scrollTool: "Slepen gaat door de sneden", windowTool: "Slepen verandert het grijsvenster", panTool: "Slepen verschuift het beeld", crosshairTool: "Slepen verplaatst de kruisdraad",
    spine: "Wervelkolom", bone: "Bot", soft: "Weke delen", meant: "Zoals gemaakt", contrast: "Meer contrast",
    overlays: "Lagen",
    layer_bodies: "Wervellichamen", layer_points: "Zes punten", layer_endplates: "Dekplaatlijnen", layer_angle: "Gekozen hoek",
    layer_canal: "Kanaal", layer_cement: "Cement", layer_names: "Namen", layer_crosshair: "Kruisdraad",
    SUPERIOR_ANTERIOR: "punt voor boven", SUPERIOR_MIDDLE: "punt midden boven", SUPERIOR_POSTERIOR: "punt achter boven",
    INFERIOR_ANTERIOR: "punt voor onder", INFERIOR_MIDDLE: "punt midden onder", INFERIOR_POSTERIOR: "punt achter onder",
    superiorEndplateOf: "Bovenste dekplaat van {level}", inferiorEndplateOf: "Onderste dekplaat van {level}",
    moved: "{level}: {point} verplaatst", renamed: "{from} is nu {to}", renamedAll: "{from} is nu {to}, de andere volgen",
    fixed: "{from}: naam bevestigd", added: "{level} toegevoegd", removed: "{level} verwijderd",
    measurable: "{level} is meetbaar", notMeasurable: "{level} is niet meetbaar: {reason}",
    automatic: "Automatisch resultaat", revision: "Revisie {n}",
    accepted: "aanvaard: {code} {levels}", rejected: "verworpen: {code} {levels} ({reason})",
  },
);

export const viewName = (view: RenderImageRequestView): string =>
  ({ SAGITTAL: t("sagittal"), STRAIGHTENED: t("straightened"), AXIAL: t("axial"), CORONAL: t("coronal"), VIEW_UNSPECIFIED: "" })[view];

export const pointLabel = (level: Level, point: PointName): string => `${level} ${t(point)}`;

export const revisionName = (number: number): string => (number === 0 ? t("automatic") : t("revision", { n: number }));

/** What a reader changed, in a sentence. */
export function sentenceOf(c: Correction): string {
  if (c.move_landmark) return t("moved", { level: c.move_landmark.level ?? "", point: t((c.move_landmark.point ?? "SUPERIOR_MIDDLE") as PointName) });
  if (c.rename_level) {
    const { from = "", to = "", others_follow } = c.rename_level;
    return from === to ? t("fixed", { from }) : t(others_follow ? "renamedAll" : "renamed", { from, to });
  }
  if (c.add_vertebra) return t("added", { level: c.add_vertebra.level ?? "" });
  if (c.remove_vertebra) return t("removed", { level: c.remove_vertebra.level ?? "" });
  if (c.mark_measurable) {
    const { level = "", measurable, reason = "" } = c.mark_measurable;
    return measurable ? t("measurable", { level }) : t("notMeasurable", { level, reason });
  }
  const { code = "", levels = [], accepted, reason = "" } = c.judge_finding ?? {};
  return t(accepted ? "accepted" : "rejected", { code, levels: levels.join(", "), reason });
}
