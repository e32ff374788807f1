// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Analysis, Correction, Level } from "../src/messages";
import { carriedOver, correctionsOf, doing, empty, redone, stepOf, undone, without } from "../src/study/draft";
import { between, beyond, endplateLine, pointNames, pointsOf, withPoints } from "../src/study/landmarks";

const rename = (from: Level, to: Level, others_follow = false): Correction => ({ rename_level: { from, to, others_follow } });
const move = (level: Level, z: number): Correction => ({ move_landmark: { level, point: "SUPERIOR_ANTERIOR", position: { x: 0, y: 0, z } } });
const one = (...corrections: Correction[]) => ({ corrections });

test("what is undone is done again, until something else is done", () => {
  let d = doing(doing(empty, one(rename("L1", "L2"))), one(move("L2", 1), move("L2", 2)));
  assert.equal(correctionsOf(d).length, 3);
  d = undone(d);
  assert.deepEqual(correctionsOf(d), [rename("L1", "L2")]);
  assert.equal(correctionsOf(redone(d)).length, 3);
  d = doing(d, one(move("L2", 5)));
  assert.deepEqual(redone(d), d);
  assert.deepEqual(undone(undone(undone(d))).done, 0);
});

test("a key that is held down makes one step, a pause another", () => {
  const handle = { level: "L1" as const, point: "SUPERIOR_ANTERIOR" as const };
  let d = empty;
  for (const time of [0, 100, 200, 5000, 5100]) d = doing(d, { corrections: [move("L1", time)], handle, time });
  assert.equal(d.steps.length, 2);
  assert.deepEqual(correctionsOf(d), [move("L1", 200), move("L1", 5100)]);
  d = doing(d, { corrections: [move("L1", 9)], handle: { ...handle, point: "SUPERIOR_MIDDLE" }, time: 5200 });
  assert.equal(d.steps.length, 3);
});

test("a correction that is refused is of the step that it is in", () => {
  const d = doing(doing(doing(empty, one(move("L1", 1))), one(move("L2", 1), move("L2", 2), move("L2", 3))), one(rename("L1", "L1")));
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((n) => stepOf(d, n)), [0, 1, 1, 1, 2, -1]);
  const left = without(d, 1);
  assert.equal(left.done, 2);
  assert.deepEqual(correctionsOf(left), [move("L1", 1), rename("L1", "L1")]);
});

const spine = (...all: [Level, number][]): Analysis => ({ vertebrae: all.map(([level, z]) => ({ level, center: { x: 0, y: 0, z } })) });

test("on another's revision only what means the same is done again", () => {
  const before = spine(["T12", 60], ["L1", 30], ["L2", 0]);
  const d = doing(doing(empty, one(move("L1", 41))), one(move("L2", 11)));
  assert.equal(carriedOver(d, before, spine(["T12", 60], ["L1", 31], ["L2", 0])).dropped.length, 0);
  // The other reader moved all names by one: what was called L1 is now called L2.
  const moved = carriedOver(d, before, spine(["L1", 60], ["L2", 30], ["L3", 0]));
  assert.equal(moved.dropped.length, 2);
  assert.equal(moved.draft.done, 0);
  // The other reader removed L2.
  const removed = carriedOver(d, before, spine(["T12", 60], ["L1", 30]));
  assert.deepEqual(correctionsOf(removed.draft), [move("L1", 41)]);
});

test("what rests on a step that is left out is left out too", () => {
  const before = spine(["L1", 30], ["L2", 0]);
  const d = doing(doing(empty, one(rename("L1", "T12"))), one(move("T12", 41)));
  assert.equal(carriedOver(d, before, before).draft.done, 2);
  assert.equal(carriedOver(d, before, spine(["L2", 0])).draft.done, 0);
});

/** A body of 30 mm depth and 24 mm height about a height of the column. */
const body = (level: Level, z: number) => ({
  level, status: "MEASURED" as const, center: { x: 0, y: -15, z },
  landmarks: {
    superior_anterior: { x: 0, y: -30, z: z + 12 }, superior_middle: { x: 0, y: -15, z: z + 12 }, superior_posterior: { x: 0, y: 0, z: z + 12 },
    inferior_anterior: { x: 0, y: -30, z: z - 12 }, inferior_middle: { x: 0, y: -15, z: z - 12 }, inferior_posterior: { x: 0, y: 0, z: z - 12 },
  },
});

test("a vertebra is put half way between its neighbours, or as far beyond them as they are apart", () => {
  const added = between(body("T12", 64), body("L2", 0))!;
  assert.deepEqual(added.SUPERIOR_ANTERIOR, { x: 0, y: -30, z: 44 });
  assert.deepEqual(added.INFERIOR_POSTERIOR, { x: 0, y: 0, z: 20 });
  const below = beyond(body("L2", 0), body("L1", 32))!;
  assert.deepEqual(below.SUPERIOR_MIDDLE, { x: 0, y: -15, z: -20 });
  assert.equal(Object.keys(below).length, pointNames.length);
});

test("an endplate's line has the direction that angles are measured by, and stands out 4 mm", () => {
  const v = body("L1", 0);
  const told = { ...v, landmarks: { ...v.landmarks, superior_direction: { x: 0, y: -0.8, z: 0.6 } } };
  const line = endplateLine(told, "superior")!;
  assert.deepEqual(line.anterior, { x: 0, y: -15 - 0.8 * 19, z: 12 + 0.6 * 19 });
  const untold = endplateLine(withPoints(v, { SUPERIOR_MIDDLE: { x: 0, y: -15, z: 9 } }), "superior")!;
  assert.equal(untold.anterior.z, 11); // through the mean of the three points, along their corners
  assert.deepEqual(pointsOf({ level: "L1", endplate: "inferior" }), ["INFERIOR_ANTERIOR", "INFERIOR_MIDDLE", "INFERIOR_POSTERIOR"]);
});
