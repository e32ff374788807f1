// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What the examinations of a comparison are called: by their dates, and where that does
// not tell them apart by revision, time and settings of their analyses.

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { api } from "../api";
import { dicomDateTime, moment } from "../i18n";
import type { AnalysisRun, ComparedExamination, ComparisonRun } from "../messages";
import { t } from "./words";

/** The analyses of examinations that dates do not tell apart, by their place in the order given. */
type Alike = ReadonlyMap<number, { revision: number; run: AnalysisRun | undefined }>;

const Analyses = createContext<Alike>(new Map());

/** Tells those below how examinations are told apart. */
export const Named = Analyses.Provider;

/** Looks up the analyses of examinations that have one date in common. */
export function useAlike(run: ComparisonRun, examinations: ComparedExamination[]): Alike {
  const dates = examinations.map((e) => e.acquired);
  const same = examinations.filter((e) => e.given !== undefined && dates.filter((d) => d === e.acquired).length > 1);
  const series = [...new Set(same.map((e) => e.series_instance_uid ?? ""))];
  const [runs, setRuns] = useState<AnalysisRun[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    Promise.all(series.map((uid) => api.analyses({ series_instance_uid: uid, page_size: 500 }, stop.signal))).then(
      (all) => setRuns(all.flatMap((r) => r.analyses ?? [])),
      () => {}, // the revisions tell them apart as well
    );
    return () => stop.abort();
  }, [series.join()]);
  return new Map(same.map(({ given = 0 }) => [given, {
    revision: run.revisions?.[given] ?? 0,
    run: runs.find((r) => r.analysis_id === run.analysis_ids?.[given]),
  }]));
}

/** What an examination is called, at length and in a table's head. */
export function useNames(): { name: (e: ComparedExamination) => string; short: (e: ComparedExamination) => string } {
  const alike = useContext(Analyses);
  const date = (e: ComparedExamination) => dicomDateTime(e.acquired);
  return {
    name: (e) => {
      const told = e.given === undefined ? undefined : alike.get(e.given);
      if (!told) return date(e);
      const { revision, run } = told;
      const parts = [revision === 0 ? t("automatic") : t("revision", { n: revision })];
      if (run) parts.push(t("analysed", { when: moment(run.created_at) }));
      const fixed = run?.options?.fixed_level?.level;
      if (fixed) parts.push(t("fixed", { level: fixed }));
      return `${date(e)} (${parts.join(", ")})`;
    },
    short: (e) => date(e).slice(0, 10) + (e.given !== undefined && alike.has(e.given) ? ` (${e.given + 1})` : ""),
  };
}
