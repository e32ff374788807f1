// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What a reader is asked before something is changed or saved.

import { useState } from "preact/hooks";
import { moment, words } from "../i18n";
import type { Analysis, Finding, Level } from "../messages";
import { Say } from "../say";
import { Dialog } from "../ui";
import { AddForm } from "./addform";
import { levels } from "./landmarks";
import type { Review } from "./usereview";
import { sentenceOf } from "./words";

const t = words(
  {
    rename: "Rename {level}", to: "New name", follow: "The others follow", apply: "Apply", unmeasurable: "{level} is not measurable", reason: "Reason",
    remove: "Remove {level}", removeWhy: "What was found here is no vertebra. The other names stay as they are.", removeNow: "Remove",
    reject: "Reject the finding", save: "Save", accept: "Accept the result", comment: "Comment", reviewed: "I have reviewed the result as a whole",
    saveNow: "Save as a new revision", cancel: "Cancel", add: "Add a vertebra",
    conflict: "Someone else has changed this result", conflictWhat: "Revision {n} by {author}, {when}:", nothing: "reviewed, nothing changed",
    mine: "Your own changes, which are not saved:", none: "You have changed nothing.",
    reapply: "Load theirs and apply mine to it", drop: "Load theirs and drop mine", later: "Go on looking",
  },
  {
    rename: "{level} hernoemen", to: "Nieuwe naam", follow: "De andere volgen", apply: "Toepassen", unmeasurable: "{level} is niet meetbaar", reason: "Reden",
    remove: "{level} verwijderen", removeWhy: "Wat hier gevonden is, is geen wervel. De andere namen blijven zoals ze zijn.", removeNow: "Verwijderen",
    reject: "De bevinding verwerpen", save: "Opslaan", accept: "Akkoord met het resultaat", comment: "Opmerking", reviewed: "Ik heb het hele resultaat beoordeeld",
    saveNow: "Opslaan als nieuwe revisie", cancel: "Annuleren", add: "Wervel toevoegen",
    conflict: "Iemand anders heeft dit resultaat gewijzigd", conflictWhat: "Revisie {n} van {author}, {when}:", nothing: "beoordeeld, niets gewijzigd",
    mine: "Uw eigen wijzigingen, die niet zijn opgeslagen:", none: "U hebt niets gewijzigd.",
    reapply: "Die laden en de mijne erop toepassen", drop: "Die laden en de mijne laten vallen", later: "Verder kijken",
  },
);

export type Open =
  | { kind: "rename" | "unmeasurable" | "remove"; level: Level }
  | { kind: "reject"; finding: Finding }
  | { kind: "save" | "conflict" | "add" };

interface FormProps {
  review: Review;
  analysis: Analysis;
  close: () => void;
  choose: (l: Level | undefined) => void;
}

export function Dialogs({ open, ...p }: FormProps & { open: Open | undefined }) {
  const title = open && {
    rename: () => t("rename", { level: "level" in open ? open.level : "" }),
    unmeasurable: () => t("unmeasurable", { level: "level" in open ? open.level : "" }),
    remove: () => t("remove", { level: "level" in open ? open.level : "" }),
    reject: () => t("reject"),
    save: () => t(p.review.draft.done > 0 ? "save" : "accept"),
    conflict: () => t("conflict"),
    add: () => t("add"),
  }[open.kind]();
  return (
    <Dialog open={open !== undefined} close={p.close} title={title ?? ""}>
      {open?.kind === "rename" && <Rename level={open.level} {...p} />}
      {open?.kind === "unmeasurable" && (
        <WithReason
          close={p.close} submit={t("apply")}
          done={(reason) => p.review.act({ corrections: [{ mark_measurable: { level: open.level, measurable: false, reason } }] })}
        />
      )}
      {open?.kind === "reject" && (
        <WithReason
          close={p.close} submit={t("apply")} about={open.finding.statement}
          done={(reason) => p.review.act({ corrections: [{ judge_finding: { code: open.finding.code, levels: open.finding.levels ?? [], accepted: false, reason } }] })}
        />
      )}
      {open?.kind === "remove" && (
        <Form close={p.close} submit={t("removeNow")} done={() => p.review.act({ corrections: [{ remove_vertebra: { level: open.level } }] })}>
          <p>{t("removeWhy")}</p>
        </Form>
      )}
      {open?.kind === "save" && <Save {...p} />}
      {open?.kind === "conflict" && <Conflict {...p} />}
      {open?.kind === "add" && <AddForm {...p} />}
    </Dialog>
  );
}

/** A form in a dialog, which is closed when it is done. */
export function Form({ close, submit, done, children }: {
  close: () => void; submit: string; done: () => void; children: preact.ComponentChildren;
}) {
  return (
    <form
      method="dialog"
      onSubmit={(e) => {
        e.preventDefault();
        done();
        close();
      }}
    >
      {children}
      <div class="buttons">
        <button type="submit" class="primary">{submit}</button>
        <button type="button" onClick={close}>{t("cancel")}</button>
      </div>
    </form>
  );
}

function Rename({ level, review, close, choose }: FormProps & { level: Level }) {
  const [to, setTo] = useState<Level>(level);
  const [follow, setFollow] = useState(true);
  return (
    <Form
      close={close} submit={t("apply")}
      done={() => {
        review.act({ corrections: [{ rename_level: { from: level, to, others_follow: follow } }] });
        choose(to);
      }}
    >
      <p><label>{t("to")} <select autoFocus name="to" value={to} onChange={(e) => setTo(e.currentTarget.value as Level)}>{levels.map((l) => <option key={l}>{l}</option>)}</select></label></p>
      <p><label><input type="checkbox" name="follow" checked={follow} onChange={(e) => setFollow(e.currentTarget.checked)} /> {t("follow")}</label></p>
    </Form>
  );
}

function WithReason({ close, submit, done, about }: { close: () => void; submit: string; done: (reason: string) => void; about?: string | undefined }) {
  const [reason, setReason] = useState("");
  return (
    <Form close={close} submit={submit} done={() => done(reason.trim())}>
      {about && <p><Say text={about} /></p>}
      <label class="wide">{t("reason")} <input name="reason" required pattern=".*\S.*" maxLength={1000} autoFocus value={reason} onInput={(e) => setReason(e.currentTarget.value)} /></label>
    </Form>
  );
}

function Save({ review, close }: FormProps) {
  const [comment, setComment] = useState("");
  const nothing = review.draft.done === 0;
  const [reviewed, setReviewed] = useState(nothing);
  return (
    <Form close={close} submit={t("saveNow")} done={() => void review.save(comment.trim(), reviewed)}>
      {!nothing && <ul>{review.draft.steps.slice(0, review.draft.done).flatMap((s) => s.corrections).map((c, i) => <li key={i}>{sentenceOf(c)}</li>)}</ul>}
      <label class="wide">{t("comment")} <textarea name="comment" rows={2} maxLength={4096} value={comment} onInput={(e) => setComment(e.currentTarget.value)} /></label>
      <p>
        <label>
          <input type="checkbox" name="reviewed" checked={reviewed} required={nothing} onChange={(e) => setReviewed(e.currentTarget.checked)} /> {t("reviewed")}
        </label>
      </p>
    </Form>
  );
}

function Conflict({ review, close }: FormProps) {
  const mine = review.draft.steps.slice(0, review.draft.done).flatMap((s) => s.corrections);
  const go = (keep: boolean) => {
    close();
    void review.rebase(keep);
  };
  return (
    <>
      {review.newer.map((r) => (
        <section key={r.number}>
          <p>{t("conflictWhat", { n: r.number ?? 0, author: r.author ?? "", when: moment(r.created_at) })}</p>
          <ul>{r.corrections?.length ? r.corrections.map((c, i) => <li key={i}>{sentenceOf(c)}</li>) : <li>{t("nothing")}</li>}</ul>
        </section>
      ))}
      {mine.length > 0 ? <><p>{t("mine")}</p><ul>{mine.map((c, i) => <li key={i}>{sentenceOf(c)}</li>)}</ul></> : <p>{t("none")}</p>}
      <div class="buttons">
        {mine.length > 0 && <button type="button" class="primary" onClick={() => go(true)}>{t("reapply")}</button>}
        <button type="button" onClick={() => go(false)}>{t("drop")}</button>
        <button type="button" onClick={close}>{t("later")}</button>
      </div>
    </>
  );
}
