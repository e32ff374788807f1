// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// A reader at work on a result: what they see is the newest revision with their own
// changes on it, which the server tells by previews until they are saved.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError } from "../api";
import type { Analysis, AnalysisRun, Correction, Revision } from "../messages";
import { carriedOver, correctionsOf, doing, type Draft, empty, redone, type Step, stepOf, undone, without } from "./draft";

/** How often a reader is told of another's revisions, ms. */
const lookEvery = 10_000;

export interface Review {
  /** The revision that the draft is based on. */
  base: AnalysisRun;
  index: number;
  draft: Draft;
  /** The result with the draft. */
  analysis: Analysis;
  /** Revision 0, where it is another than base. */
  automatic: Analysis | undefined;
  /** Why the last change, or the last call, came to nothing. */
  error: unknown;
  /** What somebody else saved meanwhile. */
  newer: Revision[];
  /** Whether a save is under way. */
  saving: boolean;
  /** How long the server took to tell what the last change makes, ms. */
  latency: number | undefined;
  /** Steps that another's revision left nothing to apply to. */
  dropped: Step[];
  /** Shows what changes would make while they are being made; none ends it. */
  live: (corrections: Correction[] | undefined) => void;
  act: (step: Step) => void;
  undo: () => void;
  redo: () => void;
  discard: () => void;
  dismiss: () => void;
  save: (comment: string, reviewed: boolean) => Promise<boolean>;
  /** Goes on from the newest revision, with the reader's own changes on it or without. */
  rebase: (keep: boolean) => Promise<void>;
}

const analysisAt = (run: AnalysisRun, index: number): Analysis => run.report?.analyses?.[index] ?? {};

/** kept: the result is looked at as it was, and nothing is drafted on it. */
export function useReview(first: AnalysisRun, index: number, kept: boolean): Review {
  const [base, setBase] = useState(first);
  const [draft, setDraft] = useState<Draft>(empty);
  const [told, setTold] = useState<{ of: AnalysisRun; analysis: Analysis }>();
  const [automatic, setAutomatic] = useState<Analysis>();
  const [error, setError] = useState<unknown>();
  const [newer, setNewer] = useState<Revision[]>([]);
  const [saving, setSaving] = useState(false);
  const [latency, setLatency] = useState<number>();
  const [dropped, setDropped] = useState<Step[]>([]);
  const now = useRef({ base, draft });
  now.current = { base, draft };

  const look = async () => {
    const { revisions = [] } = await api.revisions(first.analysis_id!);
    const mine = now.current.base.revision?.number ?? 0;
    setNewer(revisions.filter((r) => (r.number ?? 0) > mine));
  };
  const fail = (e: unknown) => {
    if (e instanceof ApiError && e.reason === "ERROR_REASON_STALE_REVISION") void look().catch(setError);
    else setError(e);
  };
  const preview = usePreview({
    request: (corrections) => ({
      analysis_id: first.analysis_id, base_revision: now.current.base.revision?.number ?? 0, analysis_index: index, corrections, preview: true,
    }),
    told: (run, ms) => {
      setLatency(ms);
      setError(undefined);
      if (run.revision?.number === now.current.base.revision?.number) setTold({ of: now.current.base, analysis: analysisAt(run, index) });
    },
    refused: (e, live) => {
      fail(e);
      if (!live) setDraft(withoutRefused(e, now.current.draft));
    },
  });

  const settle = (next: Draft) => {
    setDraft(next);
    now.current.draft = next;
    const corrections = correctionsOf(next);
    if (corrections.length > 0) preview(corrections, false);
    else {
      preview(undefined, false);
      setTold(undefined);
    }
  };
  const begin = (run: AnalysisRun, next: Draft) => {
    now.current.base = run;
    setBase(run);
    setTold(undefined);
    setNewer([]);
    settle(next);
  };

  useEffect(() => {
    if ((base.revision?.number ?? 0) === 0) setAutomatic(undefined);
    else void api.analysis(first.analysis_id!, 0).then((r) => setAutomatic(r.analysis?.report?.analyses?.[index]), () => {});
  }, [base]);
  useEffect(() => {
    if (kept) return undefined;
    const timer = setInterval(() => document.hidden || void look().catch(() => {}), lookEvery);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (draft.done === 0) return undefined;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [draft.done > 0]);

  useKept(kept ? undefined : `endplate.draft.${first.analysis_id}.${index}`, base.revision?.number ?? 0, draft, (number, found) => {
    if (number === (base.revision?.number ?? 0)) {
      settle(found);
      return;
    }
    api.analysis(first.analysis_id!, number).then((r) => {
      const carried = carriedOver(found, analysisAt(r.analysis!, index), analysisAt(base, index));
      setDropped(carried.dropped);
      settle(carried.draft);
    }, setError);
  });

  const request = useRef("");
  return {
    base, index, draft, automatic, error, newer, saving, latency, dropped,
    analysis: told?.of === base ? told.analysis : analysisAt(base, index),
    live: (corrections) => {
      if (corrections) preview([...correctionsOf(now.current.draft), ...corrections], true);
      else settle(now.current.draft);
    },
    act: (step) => settle(doing(now.current.draft, step)),
    undo: () => settle(undone(now.current.draft)),
    redo: () => settle(redone(now.current.draft)),
    discard: () => settle(empty),
    dismiss: () => {
      setError(undefined);
      setDropped([]);
    },
    save: async (comment, reviewed) => {
      setSaving(true);
      request.current ||= Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
      try {
        const r = await api.correct({
          analysis_id: first.analysis_id, base_revision: now.current.base.revision?.number ?? 0, analysis_index: index,
          corrections: correctionsOf(now.current.draft), comment, reviewed, request_id: request.current,
        });
        begin(r.analysis!, empty);
        setError(undefined);
        request.current = "";
        return true;
      } catch (e) {
        // Sent again after the server was not reached, it is the same request.
        if (!(e instanceof ApiError) || e.status !== 0) request.current = "";
        fail(e);
        return false;
      } finally {
        setSaving(false);
      }
    },
    rebase: async (keep) => {
      try {
        const r = await api.analysis(first.analysis_id!);
        const before = analysisAt(now.current.base, index);
        const carried = carriedOver(now.current.draft, before, analysisAt(r.analysis!, index));
        setDropped(keep ? carried.dropped : []);
        begin(r.analysis!, keep ? carried.draft : empty);
      } catch (e) {
        setError(e);
      }
    },
  };
}

/** Keeps a draft for the tab while the reader looks at something else, and gives it back with the number of the revision that it is based on. */
function useKept(key: string | undefined, number: number, draft: Draft, restore: (number: number, draft: Draft) => void) {
  useEffect(() => {
    const kept = key && sessionStorage.getItem(key);
    if (!kept) return;
    const { base, steps } = JSON.parse(kept) as { base: number; steps: Step[] };
    restore(base, { steps, done: steps.length });
  }, []);
  useEffect(() => {
    if (!key) return;
    if (draft.done === 0) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify({ base: number, steps: draft.steps.slice(0, draft.done) }));
  }, [draft, number]);
}

/** The draft without the step that the server refused; where it does not say which, without the last. */
function withoutRefused(e: unknown, d: Draft): Draft {
  if (!(e instanceof ApiError) || e.status !== 400) return d;
  const field = e.violations.map((v) => /corrections\[(\d+)\]/.exec(v.field)?.[1]).find((n) => n !== undefined);
  const at = field === undefined ? d.done - 1 : stepOf(d, Number(field));
  return without(d, at < 0 ? d.done - 1 : at);
}

interface PreviewCalls {
  request: (corrections: Correction[]) => Parameters<typeof api.correct>[0];
  told: (run: AnalysisRun, ms: number) => void;
  refused: (e: unknown, live: boolean) => void;
}

/** Asks for previews one after the other: of those that come while one is under way, the last. */
function usePreview(calls: PreviewCalls) {
  const latest = useRef(calls);
  latest.current = calls;
  const state = useRef<{ running: boolean; next?: { corrections: Correction[]; live: boolean } | undefined; turn: number }>({ running: false, turn: 0 });
  const run = async (corrections: Correction[], live: boolean) => {
    const s = state.current;
    s.running = true;
    const turn = s.turn;
    const start = performance.now();
    try {
      const r = await api.correct(latest.current.request(corrections));
      // What was asked for before an undo, or on another revision, is no longer wanted.
      if (turn === s.turn) latest.current.told(r.analysis!, performance.now() - start);
    } catch (e) {
      if (turn === s.turn) latest.current.refused(e, live);
    }
    s.running = false;
    const next = s.next;
    s.next = undefined;
    if (next) void run(next.corrections, next.live);
  };
  return (corrections: Correction[] | undefined, live: boolean) => {
    const s = state.current;
    if (!live) s.turn++;
    s.next = undefined;
    if (!corrections) return;
    if (s.running) s.next = { corrections, live };
    else void run(corrections, live);
  };
}
