// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from "preact/hooks";
import { api } from "../api";
import { moment, words } from "../i18n";
import type { Delivery, DeliveryState } from "../messages";
import { Link, paths } from "../router";
import { useMay } from "../session";
import { ErrorNote, Loading, sentence, useLoaded } from "../ui";

const t = words(
  {
    title: "Deliveries",
    explain: "The DICOM objects that were made of results, and whether their destinations have them.",
    none: "Nothing was sent: the server has no destination, or there is no result yet.",
    object: "Object",
    comparison: "comparison",
    study: "Study",
    revision: "Revision",
    destination: "Destination",
    state: "State",
    attempts: "Attempts",
    last: "Last attempt",
    next: "Next",
    retry: "Try now",
    older: "Older ones",
    QUEUED: "waiting",
    DELIVERED: "delivered",
    PARKED: "given up",
    STATE_UNSPECIFIED: "unknown",
    show: "Show",
    all: "all",
  },
  {
    title: "Leveringen",
    explain: "De DICOM-objecten die van resultaten zijn gemaakt, en of hun bestemmingen ze hebben.",
    none: "Er is niets verzonden: de server heeft geen bestemming, of er is nog geen resultaat.",
    object: "Object",
    comparison: "vergelijking",
    study: "Onderzoek",
    revision: "Revisie",
    destination: "Bestemming",
    state: "Toestand",
    attempts: "Pogingen",
    last: "Laatste poging",
    next: "Volgende",
    retry: "Nu proberen",
    older: "Oudere",
    QUEUED: "wacht",
    DELIVERED: "geleverd",
    PARKED: "opgegeven",
    STATE_UNSPECIFIED: "onbekend",
    show: "Tonen",
    all: "alle",
  },
);

const tones: Record<DeliveryState, string> = { STATE_UNSPECIFIED: "", QUEUED: "", DELIVERED: "good", PARKED: "bad" };

/** How soon the list is asked for again, ms. */
const again = 5000;

/** The objects that were made of results, and whether their destinations have them. */
export function DeliveriesPage() {
  const [state, setState] = useState<DeliveryState | "">("");
  const [size, setSize] = useState(50);
  const list = useLoaded((signal) => api.deliveries({ page_size: size, states: state ? [state] : [] }, signal), [state, size]);
  useEffect(() => {
    const timer = setTimeout(() => document.hidden || list.reload(), again);
    return () => clearTimeout(timer);
  }, [list.value, list.error]);
  const deliveries = list.value?.deliveries ?? [];
  return (
    <section>
      <h1>{t("title")}</h1>
      <p class="muted">{t("explain")}</p>
      <p>
        <label>
          {t("show")}
          <select value={state} onChange={(e) => setState(e.currentTarget.value as DeliveryState | "")}>
            <option value="">{t("all")}</option>
            {(["QUEUED", "DELIVERED", "PARKED"] as const).map((s) => <option key={s} value={s}>{t(s)}</option>)}
          </select>
        </label>
      </p>
      {list.error !== undefined && <ErrorNote error={list.error} retry={list.reload} />}
      {!list.value && !list.error && <Loading />}
      {list.value && deliveries.length === 0 && <p class="empty">{t("none")}</p>}
      {deliveries.length > 0 && <DeliveryTable deliveries={deliveries} reload={list.reload} />}
      {list.value?.next_page_token && <p><button type="button" onClick={() => setSize(Math.min(500, size * 2))}>{t("older")}</button></p>}
    </section>
  );
}

/** Deliveries, those of one analysis where the study is known from where it stands. */
export function DeliveryTable({ deliveries, reload, inStudy }: { deliveries: Delivery[]; reload: () => void; inStudy?: boolean }) {
  const mayRetry = useMay("CORRECT");
  const [problem, setProblem] = useState("");
  const retry = (d: Delivery) =>
    void api.retryDelivery(d.delivery_id!).then(reload, (e: unknown) => setProblem(sentence(e)));
  return (
    <div class="scroll">
      {problem && <p class="note bad" role="alert">{problem}</p>}
      <table>
        <thead>
          <tr>
            <th>{t("object")}</th>
            {!inStudy && <th>{t("study")}</th>}
            <th class="numeric">{t("revision")}</th>
            <th>{t("destination")}</th>
            <th>{t("state")}</th>
            <th class="numeric">{t("attempts")}</th>
            <th>{t("last")}</th>
            <th>{t("next")}</th>
          </tr>
        </thead>
        <tbody>
          {deliveries.map((d) => (
            <tr key={d.delivery_id}>
              <td title={d.sop_instance_uid}>{d.kind?.toUpperCase()}</td>
              {!inStudy && (
                <td>
                  <Link to={paths.study(d.study_instance_uid!, d.analysis_id || undefined)}>{`…${d.study_instance_uid!.slice(-12)}`}</Link>{" "}
                  {d.comparison_id && <Link to={paths.comparison(d.comparison_id)}>{t("comparison")}</Link>}
                </td>
              )}
              <td class="numeric">{d.revision ?? 0}</td>
              <td>{d.destination}</td>
              <td>
                <span class={`badge ${tones[d.state ?? "STATE_UNSPECIFIED"]}`}>{t(d.state ?? "STATE_UNSPECIFIED")}</span>{" "}
                {d.state !== "DELIVERED" && d.reason && <small class="muted" lang="en">{d.reason}</small>}
              </td>
              <td class="numeric">{d.attempts ?? 0}</td>
              <td>{moment(d.delivered_at ?? d.attempted_at)}</td>
              <td>
                {d.state === "QUEUED" && d.next_attempt_at ? moment(d.next_attempt_at) : ""}{" "}
                {mayRetry && d.state !== "DELIVERED" && <button type="button" onClick={() => retry(d)}>{t("retry")}</button>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
