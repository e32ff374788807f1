// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys";
import type { AnalysisState, SearchWorklistRequest, SearchWorklistRequestOrder } from "../messages";
import { useMay } from "../session";
import { stateName } from "../terms";
import { ordersOf } from "./orders";
import { t } from "./words";

/** How long typing must rest before it is searched for, ms. */
const rest = 250;

const modalities = ["CT", "CR", "DX"];
const states: AnalysisState[] = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "PARKED"];

/** What the worklist is narrowed to, and its order. */
export function Filters({ query, ask }: { query: SearchWorklistRequest; ask: (change: SearchWorklistRequest) => void }) {
  const identities = useMay("IDENTITIES");
  const [typed, setTyped] = useState(query.words ?? "");
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (typed === (query.words ?? "")) return undefined;
    const timer = setTimeout(() => ask({ words: typed }), rest);
    return () => clearTimeout(timer);
  }, [typed]);
  useKeys(t("keysTitle"), [{ key: "/", label: t("keySearch"), run: () => search.current?.focus() }]);
  return (
    <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
      <label>
        {t("search")}
        <input
          ref={search}
          type="search"
          maxLength={200}
          placeholder={t(identities ? "searchHint" : "searchHintHidden")}
          value={typed}
          autoComplete="off"
          onInput={(e) => setTyped(e.currentTarget.value)}
        />
      </label>
      <Choice label={t("modality")} value={query.modality ?? ""} ask={(modality) => ask({ modality })} choices={modalities.map((m) => [m, m])} />
      <Choice
        label={t("state")}
        value={query.states?.[0] ?? ""}
        ask={(state) => ask({ states: state ? [state as AnalysisState] : [] })}
        choices={states.map((s) => [s, stateName(s)])}
      />
      <Choice
        label={t("review")}
        value={query.reviewed === undefined ? "" : String(query.reviewed)}
        ask={(v) => ask({ reviewed: v === "" ? undefined : v === "true" })}
        choices={[["false", t("notReviewed")], ["true", t("reviewed")]]}
      />
      <Day label={t("from")} value={query.from_date} ask={(from_date) => ask({ from_date })} />
      <Day label={t("to")} value={query.to_date} ask={(to_date) => ask({ to_date })} />
      <label>
        {t("order")}
        <select value={query.order ?? "RECEIVED"} onChange={(e) => ask({ order: e.currentTarget.value as SearchWorklistRequestOrder })}>
          {ordersOf(identities).map((o) => <option key={o} value={o}>{t(o)}</option>)}
        </select>
      </label>
    </form>
  );
}

function Choice({ label, value, choices, ask }: {
  label: string;
  value: string;
  choices: [value: string, name: string][];
  ask: (value: string) => void;
}) {
  return (
    <label>
      {label}
      <select value={value} onChange={(e) => ask(e.currentTarget.value)}>
        <option value="">{t("all")}</option>
        {choices.map(([v, name]) => <option key={v} value={v}>{name}</option>)}
      </select>
    </label>
  );
}

/** A day, which the interface writes YYYYMMDD and browsers YYYY-MM-DD. */
function Day({ label, value, ask }: { label: string; value: string | undefined; ask: (day: string) => void }) {
  const shown = value ? `${value.slice(0, 4)}-${value.slice(4, 6)}-${value.slice(6)}` : "";
  return (
    <label>
      {label}
      <input type="date" value={shown} onChange={(e) => ask(e.currentTarget.value.replaceAll("-", ""))} />
    </label>
  );
}
