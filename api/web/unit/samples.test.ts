// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { greys, paint, unpacked } from "../src/study/samples";

/** Packs as RenderImageResponse.samples tells. */
function packed(rows: number[][]): Uint8Array<ArrayBuffer> {
  const raw = Buffer.alloc(2 * rows.flat().length);
  let at = 0;
  for (const row of rows) {
    row.forEach((hu, i) => {
      at = raw.writeUInt16LE((hu - (i === 0 ? 0 : row[i - 1]!)) & 0xffff, at);
    });
  }
  return new Uint8Array(deflateSync(raw));
}

test("samples are what was packed, over the whole range", async () => {
  const rows = [[-1024, 300, 32767, -32768, 0], [5, -32768, 32767, -1, 1]];
  assert.deepEqual([...(await unpacked(packed(rows), 5))], rows.flat());
});

test("a window is linear from black to white", () => {
  const table = greys({ center: 300, width: 1000 });
  const grey = (hu: number) => table[hu + 32768]! & 0xff;
  assert.deepEqual([-2000, -200, 300, 800, 3000].map(grey), [0, 0, 128, 255, 255]);
  assert.equal(grey(50), Math.round(0.25 * 255));
  const pixels = new Uint8ClampedArray(8);
  paint(pixels, new Int16Array([300, 800]), table);
  assert.deepEqual([...pixels], [128, 128, 128, 255, 255, 255, 255, 255]);
});
