// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useState } from "preact/hooks";
import { words } from "../i18n";
import type { Analysis, Level } from "../messages";
import { Angles } from "./angles";
import { Detail } from "./detail";
import type { Open } from "./dialogs";
import { Findings } from "./findings";
import { History } from "./history";
import { vertebraOf } from "./landmarks";
import { Profile } from "./profile";
import type { Review } from "./usereview";
import { VertebraTable } from "./table";

const t = words(
  { panels: "Results", vertebrae: "Vertebrae", profile: "Profile", findings: "Findings", angles: "Angles", history: "History" },
  { panels: "Resultaten", vertebrae: "Wervels", profile: "Profiel", findings: "Bevindingen", angles: "Hoeken", history: "Geschiedenis" },
);

const tabs = ["vertebrae", "profile", "findings", "angles", "history"] as const;

export interface PanelProps {
  review: Review;
  analysis: Analysis;
  selected: Level | undefined;
  select: (l: Level) => void;
  mayCorrect: boolean;
  open: (o: Open) => void;
  angle: string | undefined;
  setAngle: (a: string | undefined) => void;
}

export function Panels(p: PanelProps) {
  const [tab, setTab] = useState<(typeof tabs)[number]>("vertebrae");
  const onKeyDown = (e: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!by) return;
    e.preventDefault();
    e.stopPropagation();
    const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length]!;
    setTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  const v = vertebraOf(p.analysis, p.selected);
  return (
    <>
      <div class="tabs" role="tablist" aria-label={t("panels")} onKeyDown={onKeyDown}>
        {tabs.map((one) => (
          <button
            key={one} id={`tab-${one}`} type="button" role="tab" aria-selected={tab === one} aria-controls="panel"
            tabIndex={tab === one ? 0 : -1} onClick={() => setTab(one)}
          >
            {t(one)}{one === "findings" && p.analysis.findings?.length ? ` (${p.analysis.findings.length})` : ""}
          </button>
        ))}
      </div>
      <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {tab === "vertebrae" && <VertebraTable {...p} />}
        {tab === "vertebrae" && v && <Detail key={v.level} v={v} {...p} />}
        {tab === "profile" && <Profile {...p} />}
        {tab === "findings" && <Findings {...p} />}
        {tab === "angles" && <Angles {...p} />}
        {tab === "history" && <History {...p} />}
      </div>
    </>
  );
}
