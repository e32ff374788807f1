// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { api } from "../api";
import { words } from "../i18n";
import { ErrorNote, Loading, useLoaded } from "../ui";

const t = words({ title: "Deliveries", none: "Nothing has been sent." }, { title: "Leveringen", none: "Er is niets verzonden." });

/** The objects that were made of results, and whether their destinations have them. */
export function DeliveriesPage() {
  const deliveries = useLoaded((signal) => api.deliveries({}, signal), []);
  if (deliveries.error) return <ErrorNote error={deliveries.error} retry={deliveries.reload} />;
  if (!deliveries.value) return <Loading />;
  return (
    <section>
      <h1>{t("title")}</h1>
      {!deliveries.value.deliveries?.length && <p class="empty">{t("none")}</p>}
    </section>
  );
}
