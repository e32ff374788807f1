// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What mouse, pen and fingers do in a view.

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Level, Vertebra } from "../messages";
import { add, type Geometry, type Place, type Point, toPlace, type Vec, type Zoom, zoomed } from "./geometry";
import { type Handle, pointOf, pointsOf, type PointName } from "./landmarks";
import type { Tool } from "./pane";
import type { Window } from "./samples";

export type Points = Partial<Record<PointName, Vec>>;

export interface Gestures {
  tool: Tool;
  onActive: () => void;
  /** So many slices on, to the left, posterior or superior. */
  onScroll: (slices: number) => void;
  onCross: (at: Vec) => void;
  onSelect: (level: Level) => void;
  onWindow: (w: Window) => void;
  onHandle: (h: Handle | undefined) => void;
  /** The places of the points of a handle, before they are moved. */
  placesOf: (h: Handle) => Points;
  /** Points are being moved; the last time they are let go of, or undefined where that is called off. */
  onMove: (h: Handle, to: Points | undefined, last: boolean) => void;
}

interface Context extends Gestures {
  geometry: Geometry | undefined;
  currentZoom: Zoom;
  setZoom: (z: Zoom | undefined) => void;
  window: Window;
  correcting: boolean;
  element: RefObject<HTMLDivElement | null>;
}

/** What a drag that has begun does. */
type Drag =
  | { kind: "handle"; handle: Handle; from: Place; points: Points; moved: boolean }
  | { kind: "window"; window: Window }
  | { kind: "pan" | "zoom"; zoom: Zoom }
  | { kind: "scroll"; slices: number } // so many since it began
  | { kind: "crosshair" };

/** Two fingers: where they were when the second came down, and how the picture was zoomed. */
interface Pinch {
  zoom: Zoom;
  from: ReadonlyMap<number, Point>;
}

/** A pointer that stays this near is not dragged, screen pixels. */
const still = 4;

/** HU for each screen pixel that the pointer is dragged by. */
const perPixel = 4;

/** Screen pixels that the pointer is dragged by for each slice. */
const pixelsPerSlice = 10;

/** How far a finger may be off a point that it takes hold of, screen pixels. */
const reach = 24;

export function usePointer(c: Context) {
  const context = useRef(c);
  context.current = c;
  const state = useRef({ down: new Map<number, Point>(), drag: undefined as Drag | undefined, pinch: undefined as Pinch | undefined, start: { x: 0, y: 0 }, dragged: false, target: null as EventTarget | null });

  const at = (e: PointerEvent): Point => {
    const box = context.current.element.current!.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  };
  const place = (p: Point): Place => toPlace(context.current.currentZoom, p);

  const onPointerDown = (e: PointerEvent) => {
    const now = context.current;
    now.onActive();
    const s = state.current;
    s.down.set(e.pointerId, at(e));
    now.element.current!.setPointerCapture(e.pointerId);
    if (s.down.size > 1) {
      callOff(now, s.drag);
      s.drag = undefined;
      s.pinch = s.down.size === 2 ? { zoom: now.currentZoom, from: new Map(s.down) } : undefined;
      return;
    }
    s.start = at(e);
    s.dragged = false;
    s.target = e.target; // later events are the element's that captures them
    s.drag = begin(e, now, s.start);
  };
  const onPointerMove = (e: PointerEvent) => {
    const s = state.current;
    if (!s.down.has(e.pointerId)) return;
    const now = at(e);
    s.down.set(e.pointerId, now);
    if (s.down.size > 1) {
      if (s.pinch) context.current.setZoom(pinched(s.pinch, s.down));
      return;
    }
    s.dragged ||= Math.hypot(now.x - s.start.x, now.y - s.start.y) > still;
    if (s.drag && (s.dragged || s.drag.kind === "handle")) follow(context.current, s.drag, s.start, now, place(now));
  };
  const onPointerUp = (e: PointerEvent) => {
    const s = state.current;
    if (!s.down.delete(e.pointerId)) return;
    const { drag } = s;
    s.drag = s.pinch = undefined;
    if (!drag) return;
    const end = place(at(e));
    if (drag.kind === "handle") {
      if (drag.moved) context.current.onMove(drag.handle, moved(context.current, drag, end), true);
    } else if (!s.dragged && e.button === 0) click(s.target, context.current, context.current.geometry?.position(end));
  };
  const onPointerCancel = (e: PointerEvent) => {
    const s = state.current;
    s.down.delete(e.pointerId);
    callOff(context.current, s.drag);
    s.drag = s.pinch = undefined;
  };
  return { onPointerDown, onPointerMove, onPointerUp, onPointerCancel };
}

const closest = (target: EventTarget | null, selector: string) => (target as Element | null)?.closest<HTMLElement | SVGElement>(selector);

/** What the pointer takes hold of: for a finger the nearest point within its reach. */
function gripAt(e: PointerEvent, c: Context, at: Point): HTMLElement | SVGElement | null | undefined {
  const under = closest(e.target, "[data-handle]");
  if (e.pointerType !== "touch") return under;
  let [nearest, best] = [reach, under];
  for (const grip of c.element.current!.querySelectorAll<SVGElement>("[data-handle]")) {
    const point = grip.querySelector<SVGCircleElement>("circle.point");
    const away = point ? Math.hypot(point.cx.baseVal.value - at.x, point.cy.baseVal.value - at.y) : Infinity;
    if (away < nearest) [nearest, best] = [away, grip];
  }
  return best;
}

function begin(e: PointerEvent, c: Context, start: Point): Drag | undefined {
  const from = toPlace(c.currentZoom, start);
  const grip = gripAt(e, c, start);
  if (grip && e.button === 0 && c.correcting) {
    const handle = JSON.parse(grip.dataset["handle"]!) as Handle;
    c.onHandle(handle);
    return { kind: "handle", handle, from, points: c.placesOf(handle), moved: false };
  }
  if (e.button === 1 || e.shiftKey) return { kind: "pan", zoom: c.currentZoom };
  if (e.button === 2) return { kind: "zoom", zoom: c.currentZoom };
  if (c.tool === "pan") return { kind: "pan", zoom: c.currentZoom };
  if (c.tool === "scroll") return { kind: "scroll", slices: 0 };
  return c.tool === "window" ? { kind: "window", window: c.window } : { kind: "crosshair" };
}

function follow(c: Context, drag: Drag, start: Point, now: Point, at: Place) {
  const [dx, dy] = [now.x - start.x, now.y - start.y];
  switch (drag.kind) {
    case "handle":
      if (dx === 0 && dy === 0 && !drag.moved) return;
      drag.moved = true;
      c.onMove(drag.handle, moved(c, drag, at), false);
      return;
    case "window":
      c.onWindow({ center: Math.round(drag.window.center + perPixel * dy), width: Math.max(1, Math.round(drag.window.width + perPixel * dx)) });
      return;
    case "pan":
      c.setZoom({ ...drag.zoom, left: drag.zoom.left + dx, top: drag.zoom.top + dy });
      return;
    case "scroll": {
      const slices = -Math.trunc(dy / pixelsPerSlice); // down as the key and the wheel go
      if (slices !== drag.slices) c.onScroll(slices - drag.slices);
      drag.slices = slices;
      return;
    }
    case "zoom":
      c.setZoom(zoomed(drag.zoom, Math.exp(-dy / 150), start.x, start.y));
      return;
    case "crosshair":
      if (c.geometry) c.onCross(c.geometry.position(at));
  }
}

/** Where the points of what is dragged are: as far off as the pointer is from where it took hold. */
function moved(c: Context, drag: Drag & { kind: "handle" }, to: Place): Points {
  const by = c.geometry?.displacement(drag.from, to);
  if (!by) return drag.points;
  return Object.fromEntries(pointsOf(drag.handle).flatMap((n) => (drag.points[n] ? [[n, add(drag.points[n], by)]] : [])));
}

function callOff(c: Context, drag: Drag | undefined) {
  if (drag?.kind === "handle" && drag.moved) c.onMove(drag.handle, undefined, true);
}

function click(target: EventTarget | null, c: Context, at: Vec | undefined) {
  const level = closest(target, "[data-level]")?.dataset["level"];
  if (level) c.onSelect(level as Level);
  else if (at) c.onCross(at);
}

/** How a picture is zoomed where what lay between two fingers still does, and is as much larger as they are farther apart. */
function pinched({ zoom, from }: Pinch, to: ReadonlyMap<number, Point>): Zoom {
  const ids = [...from.keys()];
  const [a, b, c, d] = [...ids.map((id) => from.get(id)!), ...ids.map((id) => to.get(id) ?? from.get(id)!)] as [Point, Point, Point, Point];
  const apart = Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)); // two fingers on one spot zoom by much, and by no infinity
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  const z = zoomed(zoom, Math.hypot(c.x - d.x, c.y - d.y) / apart, middle.x, middle.y);
  return { ...z, left: z.left + (c.x + d.x) / 2 - middle.x, top: z.top + (c.y + d.y) / 2 - middle.y };
}

/** Turns of a wheel that make one slice, screen pixels of the event. */
const perSlice = 100;

/** The wheel goes from slice to slice, and zooms with Ctrl. The page stays where it is. */
export function useWheel(element: RefObject<HTMLDivElement | null>, gestures: Gestures & { setZoom: (z: Zoom) => void }, zoom: Zoom) {
  const now = useRef({ gestures, zoom });
  now.current = { gestures, zoom };
  useEffect(() => {
    let turned = 0;
    const onWheel = (e: WheelEvent) => {
      e.preventDefault();
      const by = e.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? e.deltaY : e.deltaY * perSlice;
      if (e.ctrlKey) {
        const box = element.current!.getBoundingClientRect();
        now.current.gestures.setZoom(zoomed(now.current.zoom, Math.exp(-by / 300), e.clientX - box.left, e.clientY - box.top));
        return;
      }
      turned += by;
      const slices = Math.trunc(turned / perSlice);
      turned -= slices * perSlice;
      if (slices !== 0) now.current.gestures.onScroll(-slices);
    };
    const target = element.current!;
    target.addEventListener("wheel", onWheel, { passive: false });
    return () => target.removeEventListener("wheel", onWheel);
  }, []);
}

/** Where the points of a handle are. */
export function pointerPoints(v: Vertebra | undefined, handle: Handle): Points {
  const points: Points = {};
  for (const name of pointsOf(handle)) {
    const at = v && pointOf(v, name);
    if (at) points[name] = at;
  }
  return points;
}
