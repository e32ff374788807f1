// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The three views of the images, linked by a crosshair, and the tools above them.

import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../i18n";
import type { Analysis, Angle, Extent, Level, Vertebra } from "../messages";
import { type Geometry, snapped, vec, type Vec, type Zoom } from "./geometry";
import type { Images, Plane } from "./images";
import type { Handle } from "./landmarks";
import { type Layer, layers } from "./overlay";
import { Pane, type Tool } from "./pane";
import type { Points } from "./pointer";
import type { Window } from "./samples";
import { Toolbar } from "./toolbar";

export type View = "SAGITTAL" | "STRAIGHTENED" | "AXIAL";
export const viewOrder: readonly View[] = ["SAGITTAL", "STRAIGHTENED", "AXIAL"];

const t = words({ views: "Images" }, { views: "Beelden" });

/** How far one slice of a reformat is from the next, mm; axial ones are those of the volume. */
const reformatStep = 1;

/** How many pictures are asked for ahead in the direction of scrolling, and behind. */
const ahead = 6;
const behind = 2;

/** Windows that are usual for the spine, HU. */
export const presets: readonly ({ name: "spine" | "bone" | "soft" } & Window)[] = [
  { name: "spine", center: 300, width: 1000 },
  { name: "bone", center: 400, width: 1800 },
  { name: "soft", center: 50, width: 400 },
];

/** The window in which a film is as it was meant to be seen, and one of more contrast. */
export const filmPresets: readonly ({ name: "meant" | "contrast" } & Window)[] = [
  { name: "meant", center: 2000, width: 4000 },
  { name: "contrast", center: 2000, width: 2000 },
];

export interface ViewState {
  cross: Vec;
  setCross: (at: Vec, from: View) => void;
  planes: Record<View, Plane>;
  scroll: (view: View, slices: number) => void;
  window: Window;
  setWindow: (w: Window) => void;
  tool: Tool;
  setTool: (t: Tool) => void;
  shown: ReadonlySet<Layer>;
  toggle: (layer: Layer) => void;
  toggleAll: () => void;
  /** Whether the sagittal picture follows the spine from side to side. */
  follows: boolean;
  setFollows: (f: boolean) => void;
  slab: number;
  setSlab: (mm: number) => void;
  active: View;
  setActive: (v: View) => void;
  zooms: Partial<Record<View, Zoom>>;
  setZoom: (view: View, z: Zoom | undefined) => void;
  centre: { at: Vec; width?: number } | undefined;
  /** Shows a vertebra in all views; closer where a width is given, mm. */
  goTo: (v: Vertebra, width?: number) => void;
  geometryOf: (view: View) => Geometry | undefined;
  setGeometry: (view: View, g: Geometry, at: number) => void;
  resetZoom: () => void;
}

export function useViews(images: Images, analysis: Analysis, selected: Level | undefined): ViewState {
  const [cross, setCross] = useState<Vec>(() => firstPlace(analysis, selected));
  const [curved, setCurved] = useState(0); // of the straightened picture, to the left of the canal
  const [follows, setFollows] = useState(false);
  const [beside, setBeside] = useState(0); // of the sagittal picture that follows the spine, to the left of it
  const [slab, setSlab] = useState(0);
  const [window, setWindow] = useState<Window>(analysis.film ? filmPresets[0]! : presets[0]!);
  const [tool, setTool] = useState<Tool>(() => (matchMedia("(pointer: coarse)").matches ? (analysis.film ? "pan" : "scroll") : "window"));
  const [shown, setShown] = useState<ReadonlySet<Layer>>(() => new Set(layers));
  const [active, setActive] = useState<View>("SAGITTAL");
  const [zooms, setZooms] = useState<Partial<Record<View, Zoom>>>({});
  const [centre, setCentre] = useState<{ at: Vec; width?: number }>();
  const extent = useExtent(images, cross);
  const geometries = useRef<Partial<Record<View, { geometry: Geometry; at: number }>>>({});
  const directions = useRef({ SAGITTAL: 1, STRAIGHTENED: 1, AXIAL: 1 });

  const planes: Record<View, Plane> = {
    SAGITTAL: follows ? { view: "SAGITTAL", at: beside, slab, follows } : { view: "SAGITTAL", at: round(cross.x), slab },
    STRAIGHTENED: { view: "STRAIGHTENED", at: curved, slab },
    AXIAL: { view: "AXIAL", at: axialAt(cross.z, extent), slab: 0 },
  };
  const stepOf = (view: View) => (view === "AXIAL" ? (extent?.spacing?.z ?? 1) : reformatStep);
  useEffect(() => {
    const direction = directions.current[active];
    const next = (n: number): Plane => ({ ...planes[active], at: planes[active].at + n * direction * stepOf(active) });
    const planned = [];
    for (let n = 1; n <= ahead; n++) {
      planned.push(next(n));
      if (n <= behind) planned.push(next(-n));
    }
    if (analysis.film) return; // it has no slices
    images.prefetch(planned.filter((p) => within(p, extent)));
  }, [active, planes[active].at, slab, extent, follows]);

  const curveThrough = (at: Vec) => {
    const shown = geometries.current.STRAIGHTENED;
    setBeside(0);
    if (shown) setCurved(round(shown.at + shown.geometry.place(at).depth));
  };
  return {
    cross, planes, follows, setFollows, window, setWindow, tool, setTool, shown, slab, setSlab, active, setActive, zooms, centre,
    setCross: (at, from) => {
      setCross(at);
      if (from !== "STRAIGHTENED") curveThrough(at);
    },
    scroll: (view, slices) => {
      if (slices === 0 || analysis.film) return;
      directions.current[view] = Math.sign(slices);
      const by = slices * stepOf(view);
      const to = { ...planes[view], at: planes[view].at + by };
      if (!within(to, extent)) return;
      if (view === "STRAIGHTENED") setCurved(round(to.at));
      else if (to.follows) setBeside(round(to.at));
      else setCross(view === "SAGITTAL" ? { ...cross, x: to.at } : { ...cross, z: to.at });
    },
    toggle: (layer) => setShown(toggled(shown, layer)),
    toggleAll: () => setShown(new Set(shown.size > 0 ? [] : layers)),
    setZoom: (view, z) => setZooms((was) => ({ ...was, [view]: z })),
    resetZoom: () => setZooms({}),
    goTo: (v, width) => {
      const at = vec(v.center);
      setCross(at);
      curveThrough(at);
      setCentre(width === undefined ? { at } : { at, width: width / unitOf(analysis) });
    },
    geometryOf: (view) => geometries.current[view]?.geometry,
    setGeometry: (view, geometry, at) => {
      geometries.current[view] = { geometry, at };
    },
  };
}

/** How many mm a unit of positions is: a pixel of a film. */
const unitOf = (a: Analysis) => (a.film ? (a.film.calibration?.column_spacing_mm ?? 430 / Math.max(a.film.rows ?? 0, a.film.columns ?? 0, 1)) : 1);

const round = (mm: number) => Math.round(mm * 10) / 10;

function toggled(set: ReadonlySet<Layer>, layer: Layer): ReadonlySet<Layer> {
  const out = new Set(set);
  if (!out.delete(layer)) out.add(layer);
  return out;
}

function firstPlace(a: Analysis, selected: Level | undefined): Vec {
  const all = a.vertebrae ?? [];
  const v = all.find((one) => one.level === selected) ?? all[all.length >> 1];
  return vec(v?.center);
}

/** Where the volume lies, which comes with the first picture. */
function useExtent(images: Images, cross: Vec): Extent | undefined {
  const [extent, set] = useState<Extent>();
  useEffect(() => {
    let current = true;
    images.get({ view: "SAGITTAL", at: round(cross.x), slab: 0 }).then((p) => current && set(p.extent), () => {});
    return () => {
      current = false;
    };
  }, [images]);
  return extent;
}

function axialAt(z: number, extent: Extent | undefined): number {
  if (!extent?.spacing?.z) return z;
  return snapped(z, extent.low?.z ?? 0, extent.high?.z ?? 0, extent.spacing.z);
}

/** Whether a picture shows anything of the volume. */
function within(p: Plane, extent: Extent | undefined): boolean {
  if (p.view === "STRAIGHTENED" || p.follows) return Math.abs(p.at) <= 60;
  if (!extent) return true;
  const axis = p.view === "SAGITTAL" ? "x" : "z";
  return p.at > (extent.low?.[axis] ?? -Infinity) && p.at < (extent.high?.[axis] ?? Infinity);
}

export function Views({ views, ...p }: {
  views: ViewState;
  images: Images;
  revision: number;
  analysis: Analysis;
  selected: Level | undefined;
  outlined: Level | undefined;
  onSelect: (l: Level) => void;
  handle: Handle | undefined;
  onHandle: (h: Handle | undefined) => void;
  correcting: boolean;
  magnified: Vec | undefined;
  angle: Angle | undefined;
  placesOf: (h: Handle) => Points;
  onMove: (h: Handle, to: Points | undefined, last: boolean) => void;
}) {
  return (
    <section class={p.analysis.film ? "views film" : "views"} aria-label={t("views")}>
      <Toolbar views={views} film={p.analysis.film !== undefined} />
      {viewOrder.filter((view) => view === "SAGITTAL" || !p.analysis.film).map((view) => (
        <Pane
          key={view} {...p} plane={views.planes[view]} window={views.window} shown={views.shown} cross={views.cross} tool={views.tool}
          active={views.active === view} onActive={() => views.setActive(view)} zoom={views.zooms[view]} centre={views.centre}
          setZoom={(z) => views.setZoom(view, z)} onScroll={(n) => views.scroll(view, n)} onCross={(at) => views.setCross(at, view)}
          onWindow={views.setWindow} onGeometry={(g, at) => views.setGeometry(view, g, at)}
        />
      ))}
    </section>
  );
}
