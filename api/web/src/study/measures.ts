// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Short words for what was measured.

import { words } from "../i18n";
import type { PosteriorWallState, Vertebra } from "../messages";

const t = words(
  {
    WEDGE: "wedge", BICONCAVE: "biconcave", CRUSH: "crush", plana: "plana",
    INTACT: "intact", SUSPECT: "suspect", INVOLVED: "involved", NOT_ASSESSABLE: "not assessable",
  },
  {
    WEDGE: "wig", BICONCAVE: "biconcaaf", CRUSH: "crush", plana: "plana",
    INTACT: "intact", SUSPECT: "verdacht", INVOLVED: "betrokken", NOT_ASSESSABLE: "niet te beoordelen",
  },
);

/** Genant grade and shape, with a question mark where it is borderline. */
export function grade(v: Vertebra): string {
  const d = v.deformity;
  if (d?.genant_grade === undefined) return "–";
  const shape = d.vertebra_plana ? t("plana") : d.shape === "WEDGE" || d.shape === "BICONCAVE" || d.shape === "CRUSH" ? t(d.shape) : "";
  return `${d.genant_grade}${d.borderline ? "?" : ""} ${shape}`.trim();
}

export function wallState(s: PosteriorWallState | undefined): string {
  return s === undefined || s === "STATE_UNSPECIFIED" ? "–" : t(s);
}

/** How a vertebra's row looks. */
export function tone(v: Vertebra): string {
  const g = v.deformity?.genant_grade ?? 0;
  if (g >= 2) return "deformed";
  return g === 1 || v.deformity?.borderline || v.posterior_wall?.state === "INVOLVED" ? "doubtful" : "";
}
