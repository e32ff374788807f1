// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The orders of the worklist, and the headings of columns that it is sorted by.

import type { SearchWorklistRequest } from "../messages";
import { t } from "./words";

// By column: the order that comes first when a reader sorts by it, and the other one.
const columns = {
  received: ["RECEIVED", "RECEIVED_ASCENDING"],
  date: ["STUDY_DATE", "STUDY_DATE_ASCENDING"],
  patient: ["PATIENT_NAME", "PATIENT_NAME_DESCENDING"],
  modality: ["MODALITY", "MODALITY_DESCENDING"],
  state: ["STATE", "STATE_REVERSED"],
  worst: ["WORST", "WORST_REVERSED"],
  review: ["REVIEW", "REVIEW_REVERSED"],
} as const;

export type Column = keyof typeof columns;
export type Order = (typeof columns)[Column][number];

/** Orders whose greatest comes last, as aria-sort counts. */
const rising = new Set<Order>(["RECEIVED_ASCENDING", "STUDY_DATE_ASCENDING", "PATIENT_NAME", "MODALITY", "STATE_REVERSED", "WORST_REVERSED", "REVIEW_REVERSED"]);

/** The orders that a reader may ask for. */
export const ordersOf = (identities: boolean): Order[] =>
  (Object.keys(columns) as Column[]).filter((c) => identities || c !== "patient").flatMap((c) => [...columns[c]]);

export const orderOf = (q: SearchWorklistRequest): Order => ordersOf(true).find((o) => o === q.order) ?? "RECEIVED";

/** The heading of a column, which sorts by it and, pressed again, the other way round. */
export function Sorted({ column, order, sort }: { column: Column; order: Order; sort: (o: Order) => void }) {
  const [first, other] = columns[column];
  const now = order === first || order === other;
  const sign = rising.has(order) ? "▲" : "▼";
  return (
    <th scope="col" aria-sort={now ? (rising.has(order) ? "ascending" : "descending") : undefined}>
      <button type="button" class="sort" title={now ? t(order) : t("sort", { column: t(column) })} onClick={() => sort(order === first ? other : first)}>
        {t(column)}<span aria-hidden="true">{now ? ` ${sign}` : ""}</span>
      </button>
    </th>
  );
}
