// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { api } from "../api";
import { dicomDateTime, personName, words } from "../i18n";
import { Link, paths } from "../router";
import { ErrorNote, Loading, useLoaded } from "../ui";

const t = words(
  { title: "Studies", date: "Date", patient: "Patient", study: "Study", modality: "Modality", none: "No studies are stored." },
  { title: "Onderzoeken", date: "Datum", patient: "Patiënt", study: "Onderzoek", modality: "Modaliteit", none: "Er zijn geen onderzoeken." },
);

/** The stored studies. */
export function WorklistPage() {
  const studies = useLoaded((signal) => api.studies({}, signal), []);
  if (studies.error) return <ErrorNote error={studies.error} retry={studies.reload} />;
  if (!studies.value) return <Loading />;
  const rows = studies.value.studies ?? [];
  return (
    <section>
      <h1>{t("title")}</h1>
      {rows.length === 0 ? <p class="empty">{t("none")}</p> : (
        <table>
          <thead>
            <tr><th>{t("date")}</th><th>{t("patient")}</th><th>{t("study")}</th><th>{t("modality")}</th></tr>
          </thead>
          <tbody>
            {rows.map((s) => (
              <tr key={s.study_instance_uid}>
                <td>{dicomDateTime(s.study_date_time)}</td>
                <td>{personName(s.patient?.patient_name)}</td>
                <td><Link to={paths.study(s.study_instance_uid!)}>{s.study_description || s.study_instance_uid}</Link></td>
                <td>{s.modalities?.join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
