// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { api } from "../api";
import { words } from "../i18n";
import { ErrorNote, Loading, useLoaded } from "../ui";

const t = words({ title: "Comparison" }, { title: "Vergelijking" });

/** What changed between examinations. */
export function ComparisonPage({ comparisonID }: { comparisonID: string }) {
  const comparison = useLoaded((signal) => api.comparison(comparisonID, signal), [comparisonID]);
  if (comparison.error) return <ErrorNote error={comparison.error} retry={comparison.reload} />;
  if (!comparison.value) return <Loading />;
  return <h1>{t("title")}</h1>;
}
