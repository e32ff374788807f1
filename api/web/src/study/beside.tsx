// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Two revisions of a result side by side, with what differs marked, and who changed what
// from the one to the other.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { api } from "../api";
import { moment, withSD, words } from "../i18n";
import type { Analysis, Revision, Vertebra } from "../messages";
import { codeName, endplateName } from "../terms";
import { ErrorNote, Loading, useLoaded } from "../ui";
import { nameOf } from "./angles";
import { levels, sameVertebra } from "./landmarks";
import { grade } from "./measures";
import { revisionName, sentenceOf } from "./words";

const t = words(
  {
    left: "Left", right: "Right", level: "Level", loss: "Loss, %", grade: "Grade", wedge: "Wedge, °", vertebrae: "Vertebrae", angles: "Angles, °", findings: "Findings",
    name: "Angle", finding: "Finding", found: "found", absent: "–", ACCEPTED: "accepted", REJECTED: "rejected", unmeasured: "not measurable",
    changes: "What was changed from {a} to {b}", same: "These are the same revision.", noChanges: "No number, name or finding differs.", differ: "{n} values differ, which are marked.",
    all: "Also what does not differ", by: "{author}, {when}", changed: "differs", empty: "Nothing was changed.",
  },
  {
    left: "Links", right: "Rechts", level: "Niveau", loss: "Verlies, %", grade: "Graad", wedge: "Wig, °", vertebrae: "Wervels", angles: "Hoeken, °", findings: "Bevindingen",
    name: "Hoek", finding: "Bevinding", found: "gevonden", absent: "–", ACCEPTED: "aanvaard", REJECTED: "verworpen", unmeasured: "niet meetbaar",
    changes: "Wat is gewijzigd van {a} naar {b}", same: "Dit is dezelfde revisie.", noChanges: "Geen getal, naam of bevinding verschilt.", differ: "{n} waarden verschillen; ze zijn gemarkeerd.",
    all: "Ook wat niet verschilt", by: "{author}, {when}", changed: "verschilt", empty: "Er is niets gewijzigd.",
  },
);

/** A row of two sides: what each tells, column by column. */
interface Pair {
  key: string;
  head: string;
  left: string[];
  right: string[];
}

const differing = (p: Pair) => p.left.filter((value, i) => value !== p.right[i]).length;

export function Beside({ analysisID, index, revisions, shown }: { analysisID: string; index: number; revisions: Revision[]; shown: number }) {
  const last = revisions.at(-1)?.number ?? 0;
  const [a, setA] = useState(0);
  const [b, setB] = useState(shown || last);
  const [all, setAll] = useState(false);
  const both = useLoaded((signal) => Promise.all([a, b].map((n) => api.analysis(analysisID, n, signal))), [a, b]);
  const choose = (label: string, value: number, set: (n: number) => void) => (
    <label>
      {label}{" "}
      <select value={value} onChange={(e) => set(Number(e.currentTarget.value))}>
        {revisions.map((r) => <option key={r.number} value={r.number ?? 0}>{revisionName(r.number ?? 0)}{r.author ? ` · ${r.author}` : ""} · {moment(r.created_at)}</option>)}
      </select>
    </label>
  );
  return (
    <div class="beside">
      <p class="sides">{choose(t("left"), a, setA)} {choose(t("right"), b, setB)}</p>
      {both.error !== undefined && <ErrorNote error={both.error} retry={both.reload} />}
      {a === b ? <p class="muted">{t("same")}</p> : <Between revisions={revisions} a={a} b={b} />}
      <p><label><input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} /> {t("all")}</label></p>
      {both.value
        ? <Tables left={both.value[0]!.analysis?.report?.analyses?.[index] ?? {}} right={both.value[1]!.analysis?.report?.analyses?.[index] ?? {}} a={a} b={b} all={all} />
        : both.error === undefined && <Loading />}
    </div>
  );
}

/** Who changed what from one revision to the other, in the order of time. */
function Between({ revisions, a, b }: { revisions: Revision[]; a: number; b: number }) {
  const [from, to] = [Math.min(a, b), Math.max(a, b)];
  return (
    <details open>
      <summary>{t("changes", { a: revisionName(from), b: revisionName(to) })}</summary>
      <ol class="history">
        {revisions.filter((r) => (r.number ?? 0) > from && (r.number ?? 0) <= to).map((r) => (
          <li key={r.number}>
            <b>{revisionName(r.number ?? 0)}</b> <span class="muted">{t("by", { author: r.author ?? "", when: moment(r.created_at) })}</span>
            {r.comment && ` “${r.comment}”`}
            <Changes r={r} />
          </li>
        ))}
      </ol>
    </details>
  );
}

/** What a revision changed; of the automatic one there is nothing to say. */
export function Changes({ r }: { r: Revision }) {
  if (!r.number) return null;
  if (!r.corrections?.length) return <p class="muted">{t("empty")}</p>;
  return <ul>{r.corrections.map((c, i) => <li key={i}>{sentenceOf(c)}</li>)}</ul>;
}

function Tables({ left, right, a, b, all }: { left: Analysis; right: Analysis; a: number; b: number; all: boolean }) {
  const [vertebrae, angles, findings] = [vertebraPairs(left, right), anglePairs(left, right), findingPairs(left, right)];
  const n = [...vertebrae, ...angles, ...findings].reduce((sum, p) => sum + differing(p), 0);
  const sides = { a, b, all };
  return (
    <>
      <p role="status">{n === 0 ? t("noChanges") : t("differ", { n })}</p>
      <Side {...sides} title={t("vertebrae")} columns={[t("level"), "Ha, mm", "Hm, mm", "Hp, mm", t("loss"), t("grade"), t("wedge")]} pairs={vertebrae} />
      <Side {...sides} title={t("angles")} head={t("name")} columns={["°"]} pairs={angles} />
      <Side {...sides} title={t("findings")} head={t("finding")} columns={[""]} pairs={findings} />
    </>
  );
}

/** A table with a group of columns for each of the two; head is that of a column for both, where there is one. */
function Side({ title, head, columns, pairs, a, b, all }: { title: string; head?: string; columns: string[]; pairs: Pair[]; a: number; b: number; all: boolean }) {
  const shown = all ? pairs : pairs.filter((p) => differing(p) > 0);
  if (shown.length === 0) return null;
  const cells = (values: string[], others: string[] | undefined) => values.map((value, i) => <Cell key={i} edge={others !== undefined && i === 0} changed={others !== undefined && value !== others[i]}>{value}</Cell>);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={title}>
      <table>
        <caption>{title}</caption>
        <thead>
          <tr>
            {head !== undefined && <th scope="col" rowSpan={2}>{head}</th>}
            <th scope="colgroup" colSpan={columns.length}>{revisionName(a)}</th>
            <th scope="colgroup" colSpan={columns.length} class="right">{revisionName(b)}</th>
          </tr>
          {columns.length > 1 && <tr>{[0, 1].flatMap((side) => columns.map((c, i) => <th key={`${side}${c}`} scope="col" class={side === 1 && i === 0 ? "right" : ""}>{c}</th>))}</tr>}
        </thead>
        <tbody>
          {shown.map((p) => (
            <tr key={p.key} data-beside={p.key}>
              {head !== undefined && <th scope="row">{p.head}</th>}
              {cells(p.left, undefined)}
              {cells(p.right, p.left)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A value; where it differs from that of the left side, a mark that does not rest on colour says so. */
function Cell({ changed, edge, children }: { changed: boolean; edge: boolean; children: ComponentChildren }) {
  return (
    <td class={`${changed ? "changed" : ""} ${edge ? "right" : ""}`.trim() || undefined}>
      {children}{changed && <><span aria-hidden="true"> ●</span><span class="hidden"> ({t("changed")})</span></>}
    </td>
  );
}

const order = (v: Vertebra) => levels.indexOf(v.level!);

/** The bodies of two results, each beside itself, whatever its name. */
function vertebraPairs(left: Analysis, right: Analysis): Pair[] {
  const rights = right.vertebrae ?? [];
  const pairs: { l?: Vertebra; r?: Vertebra }[] = (left.vertebrae ?? []).map((l) => {
    const r = sameVertebra(right, l);
    return r ? { l, r } : { l };
  });
  for (const r of rights) if (!pairs.some((p) => p.r === r)) pairs.push({ r });
  pairs.sort((p, q) => order((p.r ?? p.l)!) - order((q.r ?? q.l)!));
  return pairs.map(({ l, r }) => ({ key: (r ?? l)!.level!, head: "", left: told(l), right: told(r) }));
}

/** What the table tells of a vertebra. */
function told(v: Vertebra | undefined): string[] {
  if (!v) return Array.from({ length: 7 }, () => "–");
  const h = v.heights;
  return [
    `${v.level ?? ""}${v.status === "NOT_MEASURABLE" ? ` (${t("unmeasured")})` : ""}`,
    withSD(h?.anterior_mm, h?.anterior_sd_mm), withSD(h?.middle_mm, h?.middle_sd_mm), withSD(h?.posterior_mm, h?.posterior_sd_mm),
    withSD(v.deformity?.worst_loss_percent, v.deformity?.worst_loss_sd_percent, 0), grade(v), withSD(v.wedge_angle_deg, v.wedge_angle_sd_deg),
  ];
}

function anglePairs(left: Analysis, right: Analysis): Pair[] {
  return paired(left.angles, right.angles, (x) => `${x.name ?? ""} ${x.level ?? ""}`.trim(),
    (_, x) => nameOf(x), (x) => `${withSD(x.degrees, x.sd_deg)} (${endplateName(x.from)} – ${endplateName(x.to)})`);
}

function findingPairs(left: Analysis, right: Analysis): Pair[] {
  return paired(left.findings, right.findings, (f) => `${f.code} ${f.levels?.join(", ") ?? ""}`, (_, f) => `${codeName(f.code)} ${f.levels?.join(", ") ?? ""}`,
    (f) => (f.verdict === "ACCEPTED" || f.verdict === "REJECTED" ? `${t(f.verdict)}${f.verdict_reason ? `: ${f.verdict_reason}` : ""}` : t("found")));
}

/** What two lists hold of the same key, in the order of the right one. */
function paired<T>(left: T[] = [], right: T[] = [], key: (x: T) => string, head: (key: string, x: T) => string, tell: (x: T) => string): Pair[] {
  const all = new Map([...right, ...left].map((x) => [key(x), x]));
  const side = (list: T[], k: string) => {
    const x = list.find((one) => key(one) === k);
    return [x === undefined ? t("absent") : tell(x)];
  };
  return [...all].map(([k, x]) => ({ key: k, head: head(k, x), left: side(left, k), right: side(right, k) }));
}
