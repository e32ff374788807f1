// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Place } from "./geometry";

/** Its size on the screen, and how large a pixel of the picture is in it. */
const size = 168;
const magnification = 8;

/** Shows what lies under a point that is held, in the corner away from it: a finger hides what it points at. */
export function Magnifier({ grey, place, left, low }: { grey: HTMLCanvasElement; place: Place; left: boolean; low: boolean }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const ratio = window.devicePixelRatio || 1;
    const canvas = ref.current!;
    canvas.width = canvas.height = size * ratio;
    const context = canvas.getContext("2d", { alpha: false })!;
    const s = magnification * ratio;
    const middle = (size * ratio) / 2;
    context.setTransform(s, 0, 0, s, middle - s * (place.column + 0.5), middle - s * (place.row + 0.5));
    context.drawImage(grey, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, middle, middle);
    context.strokeStyle = "#ffd54a";
    context.lineWidth = 1;
    context.beginPath();
    for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
      context.moveTo(5 * x, 5 * y);
      context.lineTo((size / 2) * x, (size / 2) * y);
    }
    context.stroke();
  });
  return <canvas ref={ref} class={`magnifier ${left ? "left" : "right"} ${low ? "low" : "high"}`} aria-hidden="true" />;
}
