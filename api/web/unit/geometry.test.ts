// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { arc, crossing, distance, dot, fitted, Geometry, snapped, toPlace, toScreen, type Vec, zoomed } from "../src/study/geometry";

const near = (got: number, want: number, tolerance = 1e-9) => assert.ok(Math.abs(got - want) <= tolerance, `${got}, want ${want}`);
const same = (got: Vec, want: Vec, tolerance = 1e-9) => near(distance(got, want), 0, tolerance);

/** A sagittal plane at x = 12: columns to posterior and rows to inferior, of 0.5 mm. */
const sagittal = new Geometry(200, 300, [{ origin: { x: 12, y: -80, z: 40 }, column: { x: 0, y: 0.5, z: 0 }, row: { x: 0, y: 0, z: -0.5 } }]);

test("pixels of a plane lie where its origin and its steps say", () => {
  same(sagittal.position({ column: 10, row: 30 }), { x: 12, y: -75, z: 25 });
  near(sagittal.pixel, 0.5);
  const at = sagittal.place({ x: 15, y: -75, z: 25 });
  near(at.column, 10);
  near(at.row, 30);
  near(at.depth, 3); // to the patient's left, as render.Geometry has it
  const axes = sagittal.axes(at);
  same(axes.right, { x: 0, y: 1, z: 0 });
  same(axes.down, { x: 0, y: 0, z: -1 });
});

test("an axial plane is seen from inferior", () => {
  const axial = new Geometry(10, 10, [{ origin: { x: 0, y: 0, z: 7 }, column: { x: 1, y: 0, z: 0 }, row: { x: 0, y: 1, z: 0 } }]);
  near(axial.place({ x: 2, y: 3, z: 5 }).depth, 2);
});

/**
 * A straightened picture of a canal on a circle of radius r about (y, z) = (r, 0): its
 * rows are the circle's radii, one millimetre apart on the circle, and 30 mm anterior of
 * it to 30 mm posterior, in pixels of a millimetre.
 */
function circular(r: number, rows: number): Geometry {
  const lines = Array.from({ length: rows }, (_, row) => {
    const a = (row - rows / 2) / r;
    // At a = 0 the canal is at the origin and runs down; anterior is to -y.
    const canal = { x: 0, y: r - r * Math.cos(a), z: -r * Math.sin(a) };
    const posterior = { x: 0, y: Math.cos(a), z: Math.sin(a) };
    return {
      origin: { x: 0, y: canal.y - 30 * posterior.y, z: canal.z - 30 * posterior.z },
      column: posterior,
    };
  });
  return new Geometry(61, rows, lines);
}

test("what a curved picture shows at a place is found there again", () => {
  const g = circular(150, 200);
  assert.equal(g.planar, false);
  for (const place of [{ column: 30, row: 100 }, { column: 3.25, row: 41.5 }, { column: 55.5, row: 150.75 }, { column: 10, row: 0 }, { column: 42, row: 198.9 }]) {
    const found = g.place(g.position(place));
    near(found.column, place.column, 0.01);
    near(found.row, place.row, 0.01);
    near(found.depth, 0, 1e-6);
  }
});

test("on the canal rows are as far apart as along it, elsewhere by its curvature", () => {
  const g = circular(150, 200);
  near(distance(g.position({ column: 30, row: 90 }), g.position({ column: 30, row: 91 })), 1, 1e-4);
  // 20 mm towards the centre of the circle, which lies posterior of it.
  near(distance(g.position({ column: 50, row: 90 }), g.position({ column: 50, row: 91 })), 130 / 150, 1e-4);
});

test("a position beside a curved picture is as deep as it is beside it", () => {
  const g = circular(150, 200);
  const p = g.position({ column: 20, row: 77 });
  const at = g.place({ ...p, x: 4.5 });
  near(at.depth, 4.5, 1e-9);
  near(at.column, 20, 0.01);
});

test("in a picture that follows the spine from side to side a move is not to the side", () => {
  // Rows of half a millimetre, each 0.2 mm further to the left than the one above.
  const rows = Array.from({ length: 100 }, (_, row) => ({ origin: { x: 0.2 * row, y: -40, z: -0.5 * row }, column: { x: 0, y: 0.5, z: 0 } }));
  const g = new Geometry(80, 100, rows, { x: 0, y: 0, z: -1 });
  same(g.position({ column: 10, row: 50 }), { x: 10, y: -35, z: -25 });
  same(g.displacement({ column: 10, row: 50 }, { column: 14, row: 40 }), { x: 0, y: 2, z: 5 });
  const at = g.place({ x: 13, y: -35, z: -25 });
  near(at.column, 10);
  near(at.row, 50);
  near(at.depth, 3);
  same(g.axes({ column: 3, row: 4 }).down, { x: 0, y: 0, z: -1 });
});

test("beyond its ends a curved picture goes straight on", () => {
  const g = circular(150, 200);
  const over = g.place(g.position({ column: 30, row: -12 }));
  near(over.row, -12, 0.05);
  near(g.place(g.position({ column: 30, row: 210 })).row, 210, 0.05);
});

test("axes of a curved picture are perpendicular and of unit length", () => {
  const { right, down } = circular(150, 200).axes({ column: 30, row: 60 });
  near(dot(right, right), 1);
  near(dot(down, down), 1);
  near(dot(right, down), 0, 0.01);
});

test("screen and picture are each other's inverse, and zooming leaves its middle where it is", () => {
  const z = fitted(200, 100, 640, 640);
  near(z.scale, 3.2);
  near(z.top, 160);
  const p = toPlace(z, { x: 100, y: 321 });
  const back = toScreen(z, p);
  near(back.x, 100);
  near(back.y, 321);
  const closer = zoomed(z, 2.5, 100, 321);
  const still = toScreen(closer, p);
  near(still.x, 100);
  near(still.y, 321);
  near(closer.scale, 8);
});

test("dragging by screen pixels is so many millimetres", () => {
  const z = zoomed(fitted(200, 300, 400, 600), 3, 200, 300);
  const from = sagittal.position(toPlace(z, { x: 150, y: 200 }));
  const to = sagittal.position(toPlace(z, { x: 150, y: 260 }));
  near(distance(from, to), (60 / z.scale) * 0.5);
});

test("slices are those of the volume", () => {
  near(snapped(-10, -100, 0, 2.5), -8.75);
  near(snapped(-98.9, -100, 0, 2.5), -98.75);
  near(snapped(500, -100, 0, 2.5), -1.25);
  near(snapped(-500, -100, 0, 2.5), -98.75);
});

test("lines cross where they do, and parallel ones do not", () => {
  const at = crossing({ x: 0, y: 0 }, { x: 1, y: 1 }, { x: 10, y: 0 }, { x: 0, y: 2 })!;
  near(at.x, 10);
  near(at.y, 10);
  assert.equal(crossing({ x: 0, y: 0 }, { x: 1, y: 1 }, { x: 3, y: 0 }, { x: 2, y: 2 }), undefined);
});

test("an arc goes the short way round", () => {
  const quarter = arc({ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 0, y: 10 }, 5);
  near(quarter.middle.x, 5 * Math.SQRT1_2);
  near(quarter.middle.y, 5 * Math.SQRT1_2);
  // From 170° to -170°: through 180°, not through 0°.
  const across = arc({ x: 0, y: 0 }, { x: -10, y: 1.763 }, { x: -10, y: -1.763 }, 5);
  near(across.middle.x, -5, 1e-6);
});
