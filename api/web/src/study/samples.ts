// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The attenuation of a picture's pixels, and the greys that a window makes of it.

export interface Window {
  /** HU. */
  center: number;
  /** HU. */
  width: number;
}

/** The attenuation of each pixel, HU, of samples as RenderImage packs them. */
export async function unpacked(samples: Uint8Array<ArrayBuffer>, columns: number): Promise<Int16Array> {
  const stream = new Blob([samples]).stream().pipeThrough(new DecompressionStream("deflate"));
  const hu = new Int16Array(await new Response(stream).arrayBuffer()); // browsers run on machines with the least byte first
  for (let row = 0; row < hu.length; row += columns) {
    let left = hu[row]!;
    for (let i = row + 1; i < row + columns; i++) {
      left = ((left + hu[i]!) << 16) >> 16; // wraps, as it was packed
      hu[i] = left;
    }
  }
  return hu;
}

/** The grey of every attenuation from -32768 on, as a pixel of an ImageData: linear from black to white across the window. */
export function greys({ center, width }: Window): Uint32Array<ArrayBuffer> {
  const table = new Uint32Array(1 << 16);
  const black = center - width / 2;
  for (let i = 0; i < table.length; i++) {
    const grey = Math.round(Math.max(0, Math.min(1, (i - 32768 - black) / width)) * 255);
    table[i] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  return table;
}

/** Fills the pixels of an ImageData. */
export function paint(pixels: Uint8ClampedArray<ArrayBuffer>, hu: Int16Array, table: Uint32Array) {
  const out = new Uint32Array(pixels.buffer);
  for (let i = 0; i < hu.length; i++) out[i] = table[hu[i]! + 32768]!;
}
