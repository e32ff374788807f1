// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { withSD, words } from "../i18n";
import type { Angle } from "../messages";
import { angleName, endplateName } from "../terms";
import type { PanelProps } from "./panels";

const t = words(
  {
    caption: "Angles between endplates, kyphosis positive", name: "Angle", between: "Between", degrees: "Degrees", none: "No angle was measured.", show: "Show {name}",
    hide: "None",
  },
  {
    caption: "Hoeken tussen dekplaten, kyfose positief", name: "Hoek", between: "Tussen", degrees: "Graden", none: "Er is geen hoek gemeten.", show: "{name} tonen",
    hide: "Geen",
  },
);

const keyOf = (a: Angle) => (a.level ?? "") + a.name;

/** What an angle is called, with its level. */
export const nameOf = (a: Angle) => `${angleName(a.name)} ${a.level ?? ""}`.trim();

/** The angles; the one that is chosen is drawn over the sagittal images. */
export function Angles(p: PanelProps) {
  const angles = p.analysis.angles ?? [];
  if (angles.length === 0) return <p class="empty">{t("none")}</p>;
  return (
    <>
      <table class="angles">
        <caption class="hidden">{t("caption")}</caption>
        <thead><tr><th scope="col">{t("name")}</th><th scope="col">{t("between")}</th><th scope="col" class="numeric">{t("degrees")}</th></tr></thead>
        <tbody>
          {angles.map((a) => (
            <tr key={keyOf(a)} aria-selected={p.angle === keyOf(a)}>
              <th scope="row">
                <label>
                  <input
                    type="radio" name="angle" checked={p.angle === keyOf(a)} aria-label={t("show", { name: nameOf(a) })}
                    onChange={() => {
                      p.setAngle(keyOf(a));
                      if (a.level) p.select(a.level);
                    }}
                  />
                  {nameOf(a)}
                </label>
              </th>
              <td>{endplateName(a.from)} – {endplateName(a.to)}</td>
              <td class="numeric">{withSD(a.degrees, a.sd_deg)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p><label><input type="radio" name="angle" checked={p.angle === undefined} onChange={() => p.setAngle(undefined)} /> {t("hide")}</label></p>
    </>
  );
}
