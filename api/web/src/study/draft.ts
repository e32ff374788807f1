// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What a reader has changed and not yet saved: a list of steps that can be undone and
// done again, based on one revision of the result.

import type { Analysis, Correction, Level } from "../messages";
import { distance, told, vec, type Vec } from "./geometry";
import { type Handle, pointsOf, sameHandle, vertebraOf } from "./landmarks";

/** One thing that a reader did: an endplate moved is three points moved. */
export interface Step {
  corrections: Correction[];
  /** What was taken hold of, where points were moved, and when, ms. */
  handle?: Handle;
  time?: number;
}

export interface Draft {
  steps: readonly Step[];
  /** How many of the steps are done; those behind were undone. */
  done: number;
}

export const empty: Draft = { steps: [], done: 0 };

export const correctionsOf = (d: Draft): Correction[] => d.steps.slice(0, d.done).flatMap((s) => s.corrections);
export const undone = (d: Draft): Draft => ({ ...d, done: Math.max(0, d.done - 1) });
export const redone = (d: Draft): Draft => ({ ...d, done: Math.min(d.steps.length, d.done + 1) });

/** Moves of the same handle that follow each other so soon are one step, ms: a key that is held down. */
const together = 1000;

/** Adds a step behind those that are done; what was undone is gone then. */
export function doing(d: Draft, step: Step): Draft {
  const before = d.steps.slice(0, d.done);
  const last = before.at(-1);
  if (
    last?.handle && step.handle && sameHandle(last.handle, step.handle) &&
    step.time !== undefined && last.time !== undefined && step.time - last.time < together
  ) {
    before.pop();
  }
  const steps = [...before, step];
  return { steps, done: steps.length };
}

/** Leaves out a step, such as one that cannot hold. */
export const without = (d: Draft, index: number): Draft => ({
  steps: d.steps.filter((_, i) => i !== index),
  done: index < d.done ? d.done - 1 : d.done,
});

/** The step that a correction belongs to, of those that are done. */
export function stepOf(d: Draft, correction: number): number {
  let first = 0;
  return d.steps.slice(0, d.done).findIndex((s) => (first += s.corrections.length) > correction);
}

/** The correction that moves what was taken hold of. */
export const moves = (handle: Handle, to: Partial<Record<string, Vec>>, film = false): Correction[] =>
  pointsOf(handle).flatMap((point) => {
    const position = to[point];
    return position ? [{ move_landmark: { level: handle.level, point, position: told(position, film) } }] : [];
  });

/** The level that a correction is about; undefined where it adds one, or is of a finding of several. */
function levelOf(c: Correction): Level | undefined {
  return c.move_landmark?.level ?? c.rename_level?.from ?? c.remove_vertebra?.level ?? c.mark_measurable?.level;
}

/** How far the body of the same name may be off in another revision to be the same body, mm. */
const sameBody = 5;

/**
 * Which steps of a draft, made on one result, mean the same on another that somebody
 * else made meanwhile: those whose vertebra has the same name at the same place there.
 * One of a name that only a step before it gives is carried over if all of those are.
 */
export function carriedOver(d: Draft, before: Analysis, after: Analysis): { draft: Draft; dropped: Step[] } {
  const dropped: Step[] = [];
  const steps = d.steps.slice(0, d.done).filter((step) => {
    const holds = step.corrections.every((c) => {
      const level = levelOf(c);
      if (level === undefined) return true;
      const was = vertebraOf(before, level);
      if (!was) return dropped.length === 0;
      const is = vertebraOf(after, level);
      return is !== undefined && distance(vec(is.center), vec(was.center)) <= sameBody;
    });
    if (!holds) dropped.push(step);
    return holds;
  });
  return { draft: { steps, done: steps.length }, dropped };
}
