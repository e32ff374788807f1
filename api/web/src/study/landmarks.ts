// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The six points of a vertebra, its endplates, and what a reader takes hold of.

import type { Analysis, Landmarks, Level, MoveLandmarkPoint, Vertebra } from "../messages";
import { add, distance, mean, scale, sub, unit, vec, type Vec } from "./geometry";

export type PointName = Exclude<MoveLandmarkPoint, "POINT_UNSPECIFIED">;
export type EndplateName = "superior" | "inferior";

export const pointNames: readonly PointName[] = [
  "SUPERIOR_ANTERIOR", "SUPERIOR_MIDDLE", "SUPERIOR_POSTERIOR",
  "INFERIOR_ANTERIOR", "INFERIOR_MIDDLE", "INFERIOR_POSTERIOR",
];

export const endplateNames: readonly EndplateName[] = ["superior", "inferior"];

/** What a reader takes hold of: one point, or all three of an endplate. */
export type Handle = { level: Level; point: PointName } | { level: Level; endplate: EndplateName };

export const pointsOf = (handle: Handle): PointName[] =>
  "point" in handle ? [handle.point] : pointNames.filter((n) => n.startsWith(handle.endplate.toUpperCase()));

export const sameHandle = (a: Handle | undefined, b: Handle | undefined): boolean =>
  a?.level === b?.level && JSON.stringify(a) === JSON.stringify(b);

type Field = Exclude<keyof Landmarks, "superior_direction" | "inferior_direction">;

export const fieldOf = (name: PointName): Field => name.toLowerCase() as Field;

/** A point's place, LPS mm; undefined where it was not found. */
export function pointOf(v: Vertebra, name: PointName): Vec | undefined {
  const p = v.landmarks?.[fieldOf(name)];
  return p && vec(p);
}

/** A vertebra of which some points are elsewhere, as while a reader drags them. */
export function withPoints(v: Vertebra, moved: Partial<Record<PointName, Vec>>): Vertebra {
  const landmarks = { ...v.landmarks };
  for (const [name, at] of Object.entries(moved) as [PointName, Vec][]) {
    landmarks[fieldOf(name)] = { ...landmarks[fieldOf(name)], ...at };
  }
  return { ...v, landmarks };
}

/** How far the ends of an endplate's line stand out beyond its corners, mm. */
const overhang = 4;

/** The ends, anterior and posterior, of the line of an endplate by which angles are measured; undefined where there is none. */
export function endplateLine(v: Vertebra, name: EndplateName): { anterior: Vec; posterior: Vec } | undefined {
  const points = pointsOf({ level: v.level!, endplate: name }).map((n) => pointOf(v, n)).filter((p) => p !== undefined);
  if (points.length < 3) return undefined;
  const told = v.landmarks?.[name === "superior" ? "superior_direction" : "inferior_direction"];
  const direction = told ? vec(told) : unit(sub(points[0]!, points[2]!));
  const half = distance(points[0]!, points[2]!) / 2 + overhang;
  const middle = mean(points);
  return { anterior: add(middle, scale(half, direction)), posterior: add(middle, scale(-half, direction)) };
}

export const vertebraOf = (a: Analysis | undefined, level: Level | undefined): Vertebra | undefined =>
  level === undefined ? undefined : a?.vertebrae?.find((v) => v.level === level);

/** How far two readings of one body may be apart, mm: less than half of the lowest pitch. */
const oneBody = 6;

/** The vertebra of another revision that is the same body, whatever its name there. */
export function sameVertebra(a: Analysis | undefined, v: Vertebra): Vertebra | undefined {
  return a?.vertebrae?.find((one) => distance(vec(one.center), vec(v.center)) <= oneBody);
}

/** The six points that a vertebra between two others would have, from theirs: the middle of each pair. */
export function between(upper: Vertebra, lower: Vertebra): Partial<Record<PointName, Vec>> | undefined {
  const points: Partial<Record<PointName, Vec>> = {};
  const step = sub(vec(lower.center), vec(upper.center));
  for (const name of pointNames) {
    const a = pointOf(upper, name);
    const b = pointOf(lower, name);
    if (!a && !b) return undefined;
    points[name] = a && b ? mean([a, b]) : a ? add(a, scale(0.5, step)) : add(b!, scale(-0.5, step));
  }
  return points;
}

/** The six points of a body beyond the last of those given, as far on as the last is from the one before it. */
export function beyond(last: Vertebra, before: Vertebra): Partial<Record<PointName, Vec>> | undefined {
  const step = sub(vec(last.center), vec(before.center));
  const points: Partial<Record<PointName, Vec>> = {};
  for (const name of pointNames) {
    const p = pointOf(last, name) ?? pointOf(before, name);
    if (!p) return undefined;
    points[name] = add(p, pointOf(last, name) ? step : scale(2, step));
  }
  return points;
}

/** The levels in their order from superior to inferior. */
export const levels: readonly Level[] = [
  "C1", "C2", "C3", "C4", "C5", "C6", "C7",
  "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "T13",
  "L1", "L2", "L3", "L4", "L5", "L6", "S1",
];
