// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// One view of the images, with what lies over it.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { number, useLanguage } from "../i18n";
import type { Angle, Analysis, Level } from "../messages";
import { sentence } from "../ui";
import { draw, Painter, useOutlines, usePicture, useSize } from "./canvas";
import { fitted, type Geometry, toScreen, type Vec, type Zoom } from "./geometry";
import type { Images, Plane } from "./images";
import type { Handle } from "./landmarks";
import { Magnifier } from "./magnifier";
import { Crosshair, type Layer, Overlay } from "./overlay";
import { type Gestures, usePointer, useWheel } from "./pointer";
import type { Window } from "./samples";
import { t, viewName } from "./words";

export type Tool = "scroll" | "window" | "pan" | "crosshair";

export interface PaneProps extends Gestures {
  images: Images;
  plane: Plane;
  revision: number;
  window: Window;
  analysis: Analysis;
  shown: ReadonlySet<Layer>;
  selected: Level | undefined;
  outlined: Level | undefined;
  handle: Handle | undefined;
  angle: Angle | undefined;
  cross: Vec;
  correcting: boolean;
  /** Whether the keys are for this view. */
  active: boolean;
  zoom: Zoom | undefined;
  setZoom: (z: Zoom | undefined) => void;
  /** A position to have in the middle, where the view is zoomed; a new object each time. */
  centre: { at: Vec; width?: number } | undefined;
  /** Tells where the picture that is shown lies. */
  onGeometry: (g: Geometry, at: number) => void;
  /** Where what is held is, for the magnifier; undefined where nothing is. */
  magnified: Vec | undefined;
}

/** What an axial picture shows to begin with, mm. */
const axialField = 190;

export function Pane(p: PaneProps) {
  const { ref, width, height } = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [painter] = useState(() => new Painter());
  const { picture, error } = usePicture(p.images, p.plane);
  const outlines = useOutlines(p.images, picture?.plane, p.revision);
  const geometry = picture?.geometry;
  const zoom = p.zoom ?? (geometry ? atFirst(p, geometry, width, height) : { scale: 1, left: 0, top: 0 });
  const sagittal = p.plane.view === "SAGITTAL" || p.plane.view === "STRAIGHTENED";

  useLayoutEffect(() => {
    if (!picture || !canvas.current || width === 0) return;
    draw(canvas.current, painter.of(picture, p.window), zoom, width, height);
    canvas.current.dataset["at"] = picture.plane.at.toFixed(2);
  }, [picture, p.window, zoom.scale, zoom.left, zoom.top, width, height]);
  useEffect(() => {
    if (picture) p.onGeometry(picture.geometry, picture.plane.at);
  }, [picture]);
  useEffect(() => {
    if (!p.centre || !geometry || width === 0) return;
    const place = geometry.place(p.centre.at);
    const scale = p.centre.width ? (Math.min(width, height) * geometry.pixel) / p.centre.width : p.zoom?.scale;
    if (!scale) return;
    p.setZoom({ scale, left: width / 2 - scale * (place.column + 0.5), top: height / 2 - scale * (place.row + 0.5) });
  }, [p.centre]);
  const pointer = usePointer({ ...p, geometry, currentZoom: zoom, element: ref });
  useWheel(ref, p, zoom);

  // Drawn anew only where something of it has changed: scrolling in one view moves
  // nothing but the crosshair of the others.
  const over = useMemo(
    () =>
      geometry && width > 0 && (
        <Overlay
          geometry={geometry} zoom={zoom} width={width} height={height} outlines={outlines} analysis={p.analysis} shown={p.shown}
          selected={p.selected} outlined={p.outlined} handle={p.handle} angle={p.angle} sagittal={sagittal} correcting={p.correcting}
        />
      ),
    [geometry, zoom.scale, zoom.left, zoom.top, width, height, outlines, p.analysis, p.shown, p.selected, p.outlined, p.handle, p.angle, p.correcting, useLanguage()],
  );
  const held = p.magnified && geometry?.place(p.magnified);
  return (
    <div
      ref={ref}
      class={p.active ? "pane active" : "pane"}
      role="group"
      tabIndex={0}
      aria-label={viewName(p.plane.view)}
      data-view={p.plane.view}
      data-follows={picture?.plane.follows}
      data-pixel={geometry?.pixel}
      data-scale={zoom.scale}
      data-left={zoom.left}
      data-top={zoom.top}
      onFocusIn={(e) => {
        p.onActive();
        const grip = (e.target as Element).closest<SVGElement>("[data-handle]");
        if (grip && p.correcting) p.onHandle(JSON.parse(grip.dataset["handle"]!) as Handle);
      }}
      onContextMenu={(e) => e.preventDefault()}
      {...pointer}
    >
      <canvas ref={canvas} role="img" aria-label={viewName(p.plane.view)} />
      {geometry && width > 0 && p.shown.has("crosshair") && <Crosshair geometry={geometry} zoom={zoom} width={width} height={height} cross={p.cross} />}
      {over}
      <Corners p={p} />
      {held && picture && p.active && Math.abs(held.depth) < 10 && (
        <Magnifier grey={painter.of(picture, p.window)} place={held} left={toScreen(zoom, held).x > width / 2} low={toScreen(zoom, held).y < height / 2} />
      )}
      {error !== undefined && <p class="note bad" role="alert">{sentence(error)}</p>}
      {!picture && error === undefined && <p class="waiting">{t("loadingPicture")}</p>}
    </div>
  );
}

function atFirst(p: PaneProps, g: Geometry, width: number, height: number): Zoom {
  const all = fitted(g.columns, g.rows, width, height);
  if (p.plane.view !== "AXIAL" && p.plane.view !== "CORONAL") return all;
  const scale = (Math.min(width, height) * g.pixel) / axialField;
  if (scale <= all.scale) return all;
  const place = g.place(p.cross);
  return { scale, left: width / 2 - scale * (place.column + 0.5), top: height / 2 - scale * (place.row + 0.5) };
}

/** The letters of a film's sides: how it was taken, its vertebrae say. */
function sidesOf(a: Analysis): [string, string, string, string] {
  const to = a.vertebrae?.map((v) => v.landmarks?.superior_direction).find((d) => d !== undefined)?.column ?? 0;
  if (Math.abs(to) < 0.5) return ["", "", "", ""];
  return to < 0 ? ["A", "P", "", ""] : ["P", "A", "", ""];
}

/** The name of the view, where it lies, and the letters of the directions in the patient. */
function Corners({ p }: { p: PaneProps }) {
  const letters: Record<string, [string, string, string, string]> = {
    SAGITTAL: ["A", "P", "S", "I"], STRAIGHTENED: ["A", "P", "S", "I"], AXIAL: ["R", "L", "A", "P"], CORONAL: ["R", "L", "S", "I"],
  };
  const film = p.analysis.film && sidesOf(p.analysis);
  const [left, right, top, bottom] = film ?? letters[p.plane.view] ?? ["", "", "", ""];
  return (
    <>
      <span class="corner title">{film ? t("film") : <>{viewName(p.plane.view)} <span class="place">{number(p.plane.at)} mm</span></>}</span>
      {([["left", left], ["right", right], ["top", top], ["bottom", bottom]] as const).map(([side, letter]) => (
        <span key={side} class={`corner side ${side}`} aria-hidden="true">{letter}</span>
      ))}
    </>
  );
}
