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
  | { kind: "crosshair" };

/** A pointer that stays this near is not dragged, screen pixels. */
const still = 4;

/** HU for each screen pixel that the pointer is dragged by. */
const perPixel = 4;

export function usePointer(c: Context) {
  const context = useRef(c);
  context.current = c;
  const state = useRef({ down: new Map<number, Point>(), drag: undefined as Drag | undefined, start: { x: 0, y: 0 }, dragged: false, target: null as EventTarget | null });

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
      return;
    }
    s.start = at(e);
    s.dragged = false;
    s.target = e.target; // later events are the element's that captures them
    s.drag = begin(e, now, place(s.start));
  };
  const onPointerMove = (e: PointerEvent) => {
    const s = state.current;
    const before = s.down.get(e.pointerId);
    if (!before) return;
    const now = at(e);
    s.down.set(e.pointerId, now);
    if (s.down.size > 1) {
      pinch(context.current, [...s.down.entries()], e.pointerId, before);
      return;
    }
    s.dragged ||= Math.hypot(now.x - s.start.x, now.y - s.start.y) > still;
    if (s.drag && (s.dragged || s.drag.kind === "handle")) follow(context.current, s.drag, s.start, now, place(now));
  };
  const onPointerUp = (e: PointerEvent) => {
    const s = state.current;
    if (!s.down.delete(e.pointerId)) return;
    const { drag } = s;
    s.drag = undefined;
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
    s.drag = undefined;
  };
  return { onPointerDown, onPointerMove, onPointerUp, onPointerCancel };
}

const closest = (target: EventTarget | null, selector: string) => (target as Element | null)?.closest<HTMLElement | SVGElement>(selector);

function begin(e: PointerEvent, c: Context, from: Place): Drag | undefined {
  const grip = closest(e.target, "[data-handle]");
  if (grip && e.button === 0 && c.correcting) {
    const handle = JSON.parse(grip.dataset["handle"]!) as Handle;
    c.onHandle(handle);
    return { kind: "handle", handle, from, points: c.placesOf(handle), moved: false };
  }
  if (e.button === 1 || e.shiftKey) return { kind: "pan", zoom: c.currentZoom };
  if (e.button === 2) return { kind: "zoom", zoom: c.currentZoom };
  if (c.tool === "pan") return { kind: "pan", zoom: c.currentZoom };
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

/** Two fingers zoom about the one that stays, and move the picture. */
function pinch(c: Context, down: [number, Point][], id: number, before: Point) {
  const now = down.find(([n]) => n === id)![1];
  const other = down.find(([n]) => n !== id)![1];
  const from = Math.hypot(before.x - other.x, before.y - other.y);
  const to = Math.hypot(now.x - other.x, now.y - other.y);
  if (from < 1) return;
  const z = zoomed(c.currentZoom, to / from, other.x, other.y);
  c.setZoom({ ...z, left: z.left + (now.x - before.x) / 2, top: z.top + (now.y - before.y) / 2 });
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
