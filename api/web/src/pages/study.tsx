// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { api } from "../api";
import { words } from "../i18n";
import { ErrorNote, Loading, useLoaded } from "../ui";

const t = words({ title: "Study" }, { title: "Onderzoek" });

/** A study: what was measured in it. analysisID is undefined where the newest is asked for. */
export function StudyPage({ studyUID, analysisID }: { studyUID: string; analysisID: string | undefined }) {
  const study = useLoaded((signal) => api.study(studyUID, signal), [studyUID]);
  if (study.error) return <ErrorNote error={study.error} retry={study.reload} />;
  if (!study.value) return <Loading />;
  return (
    <section>
      <h1>{t("title")}</h1>
      <p>{study.value.study?.study_description}</p>
      <p>{analysisID}</p>
    </section>
  );
}
