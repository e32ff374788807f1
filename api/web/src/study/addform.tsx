// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useState } from "preact/hooks";
import { words } from "../i18n";
import type { Analysis, Landmarks, Level, Vertebra } from "../messages";
import { Form } from "./dialogs";
import { told } from "./geometry";
import { between, beyond, fieldOf, levels, pointNames } from "./landmarks";
import type { Points } from "./pointer";
import type { Review } from "./usereview";

const t = words(
  {
    level: "Level", apply: "Add", how: "Its six points are put between those of its neighbours; move them to where they belong.",
    cannot: "There are no two measured vertebrae beside it to place its points by.",
  },
  {
    level: "Niveau", apply: "Toevoegen", how: "De zes punten komen tussen die van de buren te liggen; verplaats ze naar waar ze horen.",
    cannot: "Er zijn geen twee gemeten wervels ernaast om de punten naar te plaatsen.",
  },
);

/** Adds a vertebra that was not found, or measures one that was not. */
export function AddForm({ review, analysis, close, choose }: {
  review: Review; analysis: Analysis; close: () => void; choose: (l: Level | undefined) => void;
}) {
  const missing = levels.filter((l) => l !== "S1" && !analysis.vertebrae?.some((v) => v.level === l && v.status === "MEASURED"));
  const first = missing.find((l) => placed(analysis, l)) ?? missing[0]!;
  const [level, setLevel] = useState<Level>(first);
  const points = placed(analysis, level);
  return (
    <Form
      close={close} submit={t("apply")}
      done={() => {
        if (!points) return;
        const landmarks: Landmarks = {};
        for (const name of pointNames) landmarks[fieldOf(name)] = told(points[name]!, analysis.film !== undefined);
        review.act({ corrections: [{ add_vertebra: { level, landmarks } }] });
        choose(level);
      }}
    >
      <p><label>{t("level")} <select autoFocus name="level" value={level} onChange={(e) => setLevel(e.currentTarget.value as Level)}>{missing.map((l) => <option key={l}>{l}</option>)}</select></label></p>
      <p>{t(points ? "how" : "cannot")}</p>
    </Form>
  );
}

/** Where a level's six points may be, by the measured vertebrae beside it. */
function placed(a: Analysis, level: Level): Points | undefined {
  const at = levels.indexOf(level);
  const measured = (a.vertebrae ?? []).filter((v) => v.landmarks && v.status === "MEASURED");
  const order = (v: Vertebra) => levels.indexOf(v.level!);
  const above = measured.filter((v) => order(v) < at);
  const below = measured.filter((v) => order(v) > at);
  const [upper, lower] = [above.at(-1), below[0]];
  if (upper && lower) return between(upper, lower);
  if (upper && above.length > 1) return beyond(upper, above.at(-2)!);
  return lower && below.length > 1 ? beyond(lower, below[1]!) : undefined;
}
