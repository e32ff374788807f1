// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { useKeys } from "../keys";
import type { SearchWorklistRequest, WorklistEntry } from "../messages";
import { navigate, paths } from "../router";
import { useMay } from "../session";
import { ended } from "../terms";
import { ErrorNote, Loading, sentence, useLoaded } from "../ui";
import { Filters } from "../worklist/filters";
import { type Order, orderOf } from "../worklist/orders";
import { latest, Rows } from "../worklist/rows";
import { Upload } from "../worklist/upload";
import { t } from "../worklist/words";
import "../worklist/worklist.css";

/** What was last asked for, so that coming back shows it again. It stands in no address: it may name a patient. */
let lastQuery: SearchWorklistRequest = { order: "RECEIVED" };

/** How soon the list is asked for again while something is at work, and otherwise, ms. */
const soon = 1000;
const later = 15_000;

/** The stored studies: what there is to read. */
export function WorklistPage() {
  const [query, setQuery] = useState(lastQuery);
  const [tokens, setTokens] = useState<string[]>([""]); // of the pages up to this one
  const token = tokens.at(-1)!;
  const list = useLoaded((signal) => api.worklist({ ...query, page_token: token }, signal), [query, token]);
  const entries = list.value?.entries ?? [];
  const working = entries.some((e) => e.analyses?.some((a) => !ended(a.analysis)));
  useEffect(() => {
    const timer = setTimeout(() => document.hidden || list.reload(), working ? soon : later);
    return () => clearTimeout(timer);
  }, [list.value, list.error]);

  const ask = (change: SearchWorklistRequest) => {
    lastQuery = { ...query, ...change };
    setQuery(lastQuery);
    setTokens([""]);
  };
  const next = list.value?.next_page_token;
  const forward = () => next && setTokens([...tokens, next]);
  const back = () => tokens.length > 1 && setTokens(tokens.slice(0, -1));
  useKeys(t("keysTitle"), [
    { key: "n", label: t("keyNext"), run: forward },
    { key: "p", label: t("keyPrevious"), run: back },
  ]);
  return (
    <section class="worklist">
      <div class="heading">
        <h1>{t("title")}</h1>
        {useMay("SEND") && <Upload done={list.reload} />}
      </div>
      <Filters query={query} ask={ask} />
      {list.error !== undefined && <ErrorNote error={list.error} retry={list.reload} />}
      {!list.value ? !list.error && <Loading /> : <Studies entries={entries} narrowed={isNarrowed(query)} reload={list.reload} order={orderOf(query)} sort={(order) => ask({ order })} />}
      {(tokens.length > 1 || next) && (
        <nav class="pages" aria-label={t("pages")}>
          <button type="button" disabled={tokens.length === 1} onClick={back}>{t("previous")}</button>
          <span>{t("page", { n: tokens.length })}</span>
          <button type="button" disabled={!next} onClick={forward}>{t("next")}</button>
        </nav>
      )}
    </section>
  );
}

function isNarrowed(q: SearchWorklistRequest): boolean {
  return Boolean(q.words || q.modality || q.states?.length || q.reviewed !== undefined || q.from_date || q.to_date);
}

/** The studies of a page, and what can be done with them. */
function Studies({ entries, narrowed, reload, order, sort }: {
  entries: WorklistEntry[];
  narrowed: boolean;
  reload: () => void;
  order: Order;
  sort: (o: Order) => void;
}) {
  const mayCorrect = useMay("CORRECT");
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(new Map()); // analyses by study
  const [problem, setProblem] = useState("");
  const body = useRef<HTMLTableSectionElement>(null);

  const choose = (e: WorklistEntry) => {
    const uid = e.study!.study_instance_uid!;
    const analysis = latest(e);
    const after = new Map(chosen);
    if (!after.delete(uid) && analysis?.revision) after.set(uid, analysis.analysis!.analysis_id!);
    setChosen(after);
  };
  const compare = async () => {
    if (chosen.size < 2) return;
    try {
      const made = await api.createComparison({ analysis_ids: [...chosen.values()] });
      navigate(paths.comparison(made.comparison!.comparison_id!));
    } catch (e) {
      setProblem(sentence(e));
    }
  };
  const step = (by: number) => {
    const links = [...(body.current?.querySelectorAll<HTMLElement>("a.open") ?? [])];
    const at = links.findIndex((l) => l.closest("tr")!.contains(document.activeElement));
    links[Math.max(0, Math.min(links.length - 1, at < 0 ? 0 : at + by))]?.focus();
  };
  const chooseFocused = () => {
    const row = document.activeElement?.closest("tr");
    const found = entries.find((e) => e.study?.study_instance_uid === row?.dataset["study"]);
    if (found) choose(found);
  };
  useKeys(t("keysTitle"), [
    { key: "j", label: t("keyDown"), run: () => step(1) },
    { key: "k", label: t("keyUp"), run: () => step(-1) },
    { key: "Enter", label: t("keyOpen") },
    ...(mayCorrect ? [
      { key: "x", label: t("keySelect"), run: chooseFocused },
      { key: "c", label: t("keyCompare"), run: () => void compare() },
    ] : []),
  ]);
  if (entries.length === 0) return <p class="empty">{t(narrowed ? "none" : "empty")}</p>;
  return (
    <>
      {problem && <p class="note bad" role="alert">{problem}</p>}
      <Rows entries={entries} chosen={chosen} choose={mayCorrect ? choose : undefined} body={body} reload={reload} failed={setProblem} order={order} sort={sort} />
      {mayCorrect && (
        <p class="actions">
          <button type="button" class={chosen.size > 1 ? "primary" : ""} disabled={chosen.size < 2} onClick={() => void compare()}>
            {t("compare")} ({chosen.size})
          </button>
          <span class="muted">{chosen.size < 2 && t("compareHint")}</span>
        </p>
      )}
    </>
  );
}
