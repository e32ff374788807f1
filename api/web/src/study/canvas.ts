// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Pictures on canvases.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Zoom } from "./geometry";
import type { Images, Picture, Plane } from "./images";
import { greys, paint, type Window } from "./samples";
import type { Outline } from "../messages";

/** A picture in greys, painted anew where picture or window have changed. */
export class Painter {
  private readonly canvas = document.createElement("canvas");
  private picture: Picture | undefined;
  private window: Window | undefined;
  private table = new Uint32Array(0);

  of(picture: Picture, window: Window): HTMLCanvasElement {
    if (picture === this.picture && window === this.window) return this.canvas;
    if (window !== this.window) this.table = greys(window);
    const { columns, rows } = picture.geometry;
    if (this.canvas.width !== columns || this.canvas.height !== rows) {
      this.canvas.width = columns;
      this.canvas.height = rows;
    }
    const context = this.canvas.getContext("2d")!;
    const data = context.createImageData(columns, rows);
    paint(data.data, picture.hu, this.table);
    context.putImageData(data, 0, 0);
    this.picture = picture;
    this.window = window;
    return this.canvas;
  }
}

/** Draws a picture as it is zoomed, over all of a canvas. */
export function draw(on: HTMLCanvasElement, grey: HTMLCanvasElement, zoom: Zoom, width: number, height: number) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (on.width !== w || on.height !== h) {
    on.width = w;
    on.height = h;
  }
  const context = on.getContext("2d", { alpha: false })!;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#000";
  context.fillRect(0, 0, w, h);
  context.imageSmoothingQuality = "high";
  context.setTransform(ratio * zoom.scale, 0, 0, ratio * zoom.scale, ratio * zoom.left, ratio * zoom.top);
  context.drawImage(grey, 0, 0);
}

/** The size of an element, as it changes. */
export function useSize<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [size, set] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      set((was) => (was.width === width && was.height === height ? was : { width, height }));
    });
    watch.observe(ref.current!);
    return () => watch.disconnect();
  }, []);
  return { ref, ...size };
}

/** The picture of a plane, and until it is here the one before. */
export function usePicture(images: Images, plane: Plane | undefined): { picture: Picture | undefined; error: unknown } {
  const [state, set] = useState<{ picture: Picture | undefined; error: unknown }>({ picture: undefined, error: undefined });
  const here = plane && images.here(plane);
  useEffect(() => {
    if (!plane) return undefined;
    let current = true;
    images.get(plane).then(
      (picture) => current && set({ picture, error: undefined }),
      (error: unknown) => current && set((was) => ({ ...was, error })),
    );
    return () => {
      current = false;
    };
  }, [images, plane?.view, plane?.at, plane?.slab, plane?.follows]);
  return here ? { picture: here, error: undefined } : state;
}

const none: readonly Outline[] = [];

/** The outlines over a picture; none until they are here. */
export function useOutlines(images: Images, plane: Plane | undefined, revision: number): readonly Outline[] {
  const [, again] = useState(0);
  const here = plane && images.outlinesHere(plane, revision);
  useEffect(() => {
    if (plane && !here) void images.outlines(plane, revision).then(() => again((n) => n + 1), () => {});
  }, [images, plane, revision]);
  return here ?? none;
}
