// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Where pictures lie in the patient. Positions are LPS mm; a place in a picture is a
// column and a row, counted from 0 at the centre of the first pixel.

import type { PixelToPatient, Position } from "../messages";

export interface Vec {
  x: number;
  y: number;
  z: number;
}

export interface Place {
  column: number;
  row: number;
}

/** A position; of a film in its plane, in pixels: y runs along the numbers of its columns, z against those of its rows. */
export const vec = (p: Position | undefined): Vec =>
  p?.x === undefined && p?.column !== undefined ? { x: 0, y: p.column, z: -(p.row ?? 0) } : { x: p?.x ?? 0, y: p?.y ?? 0, z: p?.z ?? 0 };

/** A position as the server takes it, on a film or in the patient. */
export const told = (p: Vec, film: boolean): Position => (film ? { column: p.y, row: -p.z } : { ...p });
export const add = (a: Vec, b: Vec): Vec => ({ x: a.x + b.x, y: a.y + b.y, z: a.z + b.z });
export const sub = (a: Vec, b: Vec): Vec => ({ x: a.x - b.x, y: a.y - b.y, z: a.z - b.z });
export const scale = (s: number, a: Vec): Vec => ({ x: s * a.x, y: s * a.y, z: s * a.z });
export const dot = (a: Vec, b: Vec): number => a.x * b.x + a.y * b.y + a.z * b.z;
export const norm = (a: Vec): number => Math.hypot(a.x, a.y, a.z);
export const distance = (a: Vec, b: Vec): number => norm(sub(a, b));
export const unit = (a: Vec): Vec => scale(1 / norm(a), a);
export const cross = (a: Vec, b: Vec): Vec => ({
  x: a.y * b.z - a.z * b.y,
  y: a.z * b.x - a.x * b.z,
  z: a.x * b.y - a.y * b.x,
});
export const mix = (a: Vec, b: Vec, f: number): Vec => add(scale(1 - f, a), scale(f, b));
export const mean = (points: readonly Vec[]): Vec => scale(1 / points.length, points.reduce(add, { x: 0, y: 0, z: 0 }));

/** One row of a picture: where its first pixel lies, and the step to the next pixel. */
interface Line {
  origin: Vec;
  step: Vec;
}

/** Where the pixels of a picture lie: of a plane, or of one that follows the canal. */
export class Geometry {
  /** Size of a pixel, mm. */
  readonly pixel: number;
  private readonly lines: Line[];
  private readonly down: Vec | undefined; // of a plane: from one row to the next
  private readonly downs: Vec[]; // of a curved picture: the direction down, by row

  constructor(
    readonly columns: number,
    readonly rows: number,
    pixelToPatient: readonly PixelToPatient[],
    /** The direction down of every row, where the picture follows the spine from side to side without being straightened. */
    private readonly fixedDown?: Vec,
  ) {
    this.lines = pixelToPatient.map((p) => ({ origin: vec(p.origin), step: vec(p.column) }));
    this.down = pixelToPatient[0]?.row && vec(pixelToPatient[0].row);
    this.pixel = norm(this.lines[0]!.step);
    this.downs = this.down ? [] : this.lines.map((_, row) => this.downFrom(row));
  }

  get planar(): boolean {
    return this.down !== undefined;
  }

  /** Where a place lies in the patient: between rows by linear interpolation, beyond them straight on. */
  position({ column, row }: Place): Vec {
    if (this.down) return add(this.lines[0]!.origin, add(scale(column, this.lines[0]!.step), scale(row, this.down)));
    const i = Math.max(0, Math.min(this.rows - 2, Math.floor(row)));
    const on = (n: number) => add(this.lines[n]!.origin, scale(column, this.lines[n]!.step));
    return mix(on(i), on(i + 1), row - i);
  }

  /** How far it is from one place to another in the picture. Rows that are shifted to the side are not so moved. */
  displacement(from: Place, to: Place): Vec {
    if (!this.fixedDown) return sub(this.position(to), this.position(from));
    return add(scale(to.column - from.column, this.lines[0]!.step), scale((to.row - from.row) * this.pixel, this.fixedDown));
  }

  /** The place that is nearest to a position, and how far the position lies off the picture, mm, to where it is looked at from. */
  place(p: Vec): Place & { depth: number } {
    return this.down ? this.onPlane(p) : this.onCurve(p);
  }

  /** The directions to the right and down at a place, of unit length. */
  axes(at: Place): { right: Vec; down: Vec } {
    return {
      right: unit(this.displacement(at, { column: at.column + 1, row: at.row })),
      down: unit(this.displacement(at, { column: at.column, row: at.row + 1 })),
    };
  }

  private onPlane(p: Vec): Place & { depth: number } {
    const { origin, step } = this.lines[0]!;
    const d = sub(p, origin);
    return {
      column: dot(d, step) / dot(step, step),
      row: dot(d, this.down!) / dot(this.down!, this.down!),
      depth: dot(d, unit(cross(this.down!, step))),
    };
  }

  // Rows of a picture along the canal are perpendicular to it: p lies between the two
  // rows of which it is below the one and above the other. Where a curved canal has
  // several such pairs, the one whose middle is nearest counts.
  private onCurve(p: Vec): Place & { depth: number } {
    const last = this.rows - 1;
    const stride = Math.max(1, Math.floor(coarse / this.pixel));
    const away = (row: number) => distance(p, add(this.lines[row]!.origin, scale(this.columns / 2, this.lines[row]!.step)));
    let best = this.below(0, p) < 0 ? 0 : last - 1;
    let nearest = Infinity;
    for (let from = 0, upper = this.below(0, p); from < last; from += stride) {
      const to = Math.min(from + stride, last);
      const lower = this.below(to, p);
      if (upper >= 0 && lower <= 0 && away(from) < nearest) {
        nearest = away(from);
        best = this.pairBetween(from, to, p);
      }
      upper = lower;
    }
    const upper = this.below(best, p);
    const lower = this.below(best + 1, p);
    const f = upper === lower ? 0 : upper / (upper - lower);
    const inside = Math.max(0, Math.min(1, f));
    const origin = mix(this.lines[best]!.origin, this.lines[best + 1]!.origin, inside);
    const step = mix(this.lines[best]!.step, this.lines[best + 1]!.step, inside);
    const d = sub(p, origin);
    return { column: dot(d, step) / dot(step, step), row: best + f, depth: dot(d, unit(cross(this.downs[best]!, step))) };
  }

  /** The last row from from to to that p is not above; to is below p. */
  private pairBetween(from: number, to: number, p: Vec): number {
    while (to - from > 1) {
      const middle = (from + to) >> 1;
      if (this.below(middle, p) >= 0) from = middle;
      else to = middle;
    }
    return from;
  }

  /** How far p lies below a row, mm. */
  private below(row: number, p: Vec): number {
    return dot(sub(p, this.lines[row]!.origin), this.downs[row]!);
  }

  /** The direction from a row of a curved picture to the next, perpendicular to the row. */
  private downFrom(row: number): Vec {
    if (this.fixedDown) return this.fixedDown;
    const n = Math.min(row, this.rows - 2);
    const on = (i: number) => add(this.lines[i]!.origin, scale(this.columns / 2, this.lines[i]!.step));
    const down = sub(on(n + 1), on(n));
    const along = unit(this.lines[row]!.step);
    return unit(sub(down, scale(dot(down, along), along)));
  }
}

/** How far apart the rows are that are looked at first, mm. */
const coarse = 5;

/** How a picture is shown: so many screen pixels for one of its own, and where its first pixel's corner is. */
export interface Zoom {
  scale: number;
  left: number;
  top: number;
}

/** Shows all of a picture in a frame, in its middle. */
export function fitted(columns: number, rows: number, width: number, height: number): Zoom {
  const s = Math.min(width / columns, height / rows);
  return { scale: s, left: (width - s * columns) / 2, top: (height - s * rows) / 2 };
}

/** Zooms by a factor about a point of the screen, which stays where it is. */
export function zoomed(z: Zoom, factor: number, x: number, y: number): Zoom {
  const s = Math.max(0.1, Math.min(40, z.scale * factor));
  const f = s / z.scale;
  return { scale: s, left: x - f * (x - z.left), top: y - f * (y - z.top) };
}

export interface Point {
  x: number;
  y: number;
}

export const toScreen = (z: Zoom, p: Place): Point => ({
  x: z.left + z.scale * (p.column + 0.5),
  y: z.top + z.scale * (p.row + 0.5),
});

export const toPlace = (z: Zoom, p: Point): Place => ({
  column: (p.x - z.left) / z.scale - 0.5,
  row: (p.y - z.top) / z.scale - 0.5,
});

/** The slice that is nearest to a position, of those that begin at low and are so far apart, mm. */
export function snapped(at: number, low: number, high: number, spacing: number): number {
  const last = Math.max(0, Math.round((high - low) / spacing) - 1);
  const n = Math.round((at - low) / spacing - 0.5);
  return low + (Math.max(0, Math.min(last, n)) + 0.5) * spacing;
}

/** Where two lines in a picture, each through a point along a direction, cross; undefined where they hardly do. */
export function crossing(p: Point, d: Point, q: Point, e: Point): Point | undefined {
  const det = d.x * e.y - d.y * e.x;
  if (Math.abs(det) < 1e-6 * Math.hypot(d.x, d.y) * Math.hypot(e.x, e.y)) return undefined;
  const t = ((q.x - p.x) * e.y - (q.y - p.y) * e.x) / det;
  return { x: p.x + t * d.x, y: p.y + t * d.y };
}

/** An arc about a centre from the direction of one point to that of another, the short way, as the path of an SVG; and its middle. */
export function arc(centre: Point, from: Point, to: Point, radius: number): { path: string; middle: Point } {
  const a = Math.atan2(from.y - centre.y, from.x - centre.x);
  const turn = Math.atan2(to.y - centre.y, to.x - centre.x) - a;
  const swept = turn - 2 * Math.PI * Math.round(turn / (2 * Math.PI));
  const on = (angle: number): Point => ({ x: centre.x + radius * Math.cos(angle), y: centre.y + radius * Math.sin(angle) });
  const start = on(a);
  const end = on(a + swept);
  const n = (v: number) => v.toFixed(2);
  return {
    path: `M${n(start.x)} ${n(start.y)}A${n(radius)} ${n(radius)} 0 0 ${swept > 0 ? 1 : 0} ${n(end.x)} ${n(end.y)}`,
    middle: on(a + swept / 2),
  };
}
