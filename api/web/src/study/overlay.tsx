// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What lies over a picture: outlines, points, lines, names, an angle; the crosshair.

import type { Analysis, Angle, Level, Outline, Vertebra } from "../messages";
import { arc, crossing, type Geometry, type Point, toScreen, vec, type Vec, type Zoom } from "./geometry";
import { endplateLine, endplateNames, type Handle, pointNames, pointOf, sameHandle } from "./landmarks";
import { pointLabel, t } from "./words";
import { number } from "../i18n";

export const layers = ["bodies", "points", "endplates", "angle", "canal", "cement", "names", "crosshair"] as const;
/** Those of a film, which shows neither canal nor cement. */
export const filmLayers = layers.filter((layer) => layer !== "canal" && layer !== "cement");
export type Layer = (typeof layers)[number];

export interface OverlayProps {
  geometry: Geometry;
  zoom: Zoom;
  width: number;
  height: number;
  outlines: readonly Outline[];
  analysis: Analysis;
  shown: ReadonlySet<Layer>;
  selected: Level | undefined;
  /** The name that the chosen vertebra has in the revision that the outlines are of. */
  outlined: Level | undefined;
  handle: Handle | undefined;
  angle: Angle | undefined;
  /** Whether the picture is looked at from the side. */
  sagittal: boolean;
  /** Whether points can be taken hold of. */
  correcting: boolean;
}

/** How far points may be off a picture that shows them, mm. */
const depthSagittal = 5;
const depthOther = 2;

export function Overlay(p: OverlayProps) {
  const vertebrae = p.analysis.vertebrae ?? [];
  return (
    <svg width={p.width} height={p.height} aria-hidden={p.correcting ? undefined : "true"}>
      {p.outlines.filter((o) => p.shown.has(layerOf[o.structure ?? "BODY"] ?? "bodies")).map((o, i) => <Contour key={i} o={o} p={p} />)}
      {p.sagittal && p.shown.has("angle") && p.angle && <AngleMark angle={p.angle} p={p} />}
      {vertebrae.map((v) => <Marks key={v.level} v={v} p={p} />)}
    </svg>
  );
}

const layerOf: Partial<Record<NonNullable<Outline["structure"]>, Layer>> = { CANAL: "canal", CEMENT: "cement", BODY: "bodies" };

function Contour({ o, p }: { o: Outline; p: OverlayProps }) {
  const path = (o.columns ?? []).map((column, i) => {
    const at = toScreen(p.zoom, { column, row: o.rows?.[i] ?? 0 });
    return `${i === 0 ? "M" : "L"}${at.x.toFixed(1)} ${at.y.toFixed(1)}`;
  });
  const chosen = o.structure === "BODY" && o.level !== undefined && o.level === p.outlined;
  return <path class={`outline ${(o.structure ?? "").toLowerCase()}${chosen ? " chosen" : ""}`} d={path.join("") + (o.closed ? "Z" : "")} />;
}

/** Where a position is on the screen; undefined where it is too far off the picture. */
function screen(p: OverlayProps, at: Vec, depth = p.sagittal ? depthSagittal : depthOther): Point | undefined {
  const place = p.geometry.place(at);
  return Math.abs(place.depth) <= depth ? toScreen(p.zoom, place) : undefined;
}

/** Where the planes of the other views cross a picture. */
export function Crosshair({ geometry, zoom, width, height, cross }: Pick<OverlayProps, "geometry" | "zoom" | "width" | "height"> & { cross: Vec }) {
  const at = toScreen(zoom, geometry.place(cross));
  const gap = 9;
  return (
    <svg class="cross" width={width} height={height} aria-hidden="true">
      <path d={`M0 ${at.y}H${at.x - gap}M${at.x + gap} ${at.y}H${width}M${at.x} 0V${at.y - gap}M${at.x} ${at.y + gap}V${height}`} />
    </svg>
  );
}

/** What is drawn of one vertebra. */
function Marks({ v, p }: { v: Vertebra; p: OverlayProps }) {
  const chosen = v.level === p.selected;
  return (
    <g class={chosen ? "vertebra chosen" : "vertebra"} data-level={v.level}>
      {p.sagittal && p.shown.has("endplates") && endplateNames.map((name) => <EndplateMark key={name} v={v} name={name} chosen={chosen} p={p} />)}
      {p.shown.has("points") && pointNames.map((name) => {
        const found = pointOf(v, name);
        const at = found && screen(p, found);
        if (!at) return null;
        const set = v.landmarks?.[name.toLowerCase() as "superior_anterior"]?.set_by_reader;
        const kind = set ? "point set" : "point";
        if (!chosen || !p.correcting || !p.sagittal) return <circle key={name} class={kind} cx={at.x} cy={at.y} r={chosen ? 4 : 2.5} />;
        const handle: Handle = { level: v.level!, point: name };
        return <Grip key={name} at={at} class={kind} handle={handle} held={sameHandle(handle, p.handle)} label={pointLabel(v.level!, name)} />;
      })}
      {p.shown.has("names") && <Name v={v} p={p} />}
    </g>
  );
}

/** A point that can be taken hold of, with room for a finger around it. */
function Grip({ at, handle, held, label, class: kind }: { at: Point; handle: Handle; held: boolean; label: string; class: string }) {
  return (
    <g class={held ? "grip held" : "grip"} role="button" tabIndex={0} aria-label={label} aria-pressed={held} data-handle={JSON.stringify(handle)}>
      <circle class="room" cx={at.x} cy={at.y} r={12} />
      <circle class={kind} cx={at.x} cy={at.y} r={held ? 6 : 4.5} />
    </g>
  );
}

function EndplateMark({ v, name, chosen, p }: { v: Vertebra; name: "superior" | "inferior"; chosen: boolean; p: OverlayProps }) {
  const ends = endplateLine(v, name);
  const from = ends && screen(p, ends.anterior);
  const to = ends && screen(p, ends.posterior);
  if (!from || !to) return null;
  const line = { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
  if (!chosen || !p.correcting) return <line class="endplate" {...line} />;
  const handle: Handle = { level: v.level!, endplate: name };
  const held = sameHandle(handle, p.handle);
  return (
    <g
      class={held ? "grip held" : "grip"} role="button" tabIndex={0} aria-pressed={held} data-handle={JSON.stringify(handle)}
      aria-label={t(name === "superior" ? "superiorEndplateOf" : "inferiorEndplateOf", { level: v.level! })}
    >
      <line class="room" {...line} />
      <line class="endplate" {...line} />
    </g>
  );
}

/** How far from the border a name ends at least, screen pixels. */
const roomForName = 70;

/** The name stands before the body where it is looked at from the side, and on it elsewhere. */
function Name({ v, p }: { v: Vertebra; p: OverlayProps }) {
  const place = p.geometry.place(vec(v.center));
  const near = Math.abs(place.depth) <= (p.sagittal ? 25 : 12);
  if (!near) return null;
  const at = toScreen(p.zoom, place);
  const before = at.x - (((v.depth_mm ?? 32) / 2 + 5) / p.geometry.pixel) * p.zoom.scale;
  const x = p.sagittal ? Math.max(before, at.x > 0 ? roomForName : before) : at.x;
  const sure = v.level_probability === undefined || v.level_probability >= 0.995;
  return (
    <text class={v.status === "MEASURED" ? "name" : "name doubtful"} x={x} y={at.y} text-anchor={p.sagittal ? "end" : "middle"} dominant-baseline="middle">
      {v.level}{!sure && ` ${Math.round(100 * v.level_probability!)} %`}{v.level_by_reader && " ✓"}
    </text>
  );
}

/** An angle between two endplates: their lines up to where they cross, or perpendiculars to them, with the arc between. */
function AngleMark({ angle, p }: { angle: Angle; p: OverlayProps }) {
  const lines = [angle.from, angle.to].map((text) => {
    const [level, side] = (text ?? "").split(" ");
    const v = p.analysis.vertebrae?.find((one) => one.level === level);
    const ends = v && endplateLine(v, side === "inferior" ? "inferior" : "superior");
    return ends && { front: toScreen(p.zoom, p.geometry.place(ends.anterior)), back: toScreen(p.zoom, p.geometry.place(ends.posterior)) };
  });
  const [a, b] = lines;
  if (!a || !b) return null;
  const drawn = construction(a, b, p.width, p.height);
  const text = `${number(angle.degrees)}°`;
  return (
    <g class="angle">
      {[a, b].map((l, i) => <line key={i} x1={l.front.x} y1={l.front.y} x2={l.back.x} y2={l.back.y} />)}
      {drawn.lines.map(([from, to], i) => <line key={i} class="aid" x1={from.x} y1={from.y} x2={to.x} y2={to.y} />)}
      {drawn.arc && <path d={drawn.arc} />}
      <text x={drawn.label.x} y={drawn.label.y} text-anchor="middle">{text}</text>
    </g>
  );
}

interface Ends {
  front: Point;
  back: Point;
}

/** How an angle between two lines is drawn in a frame. */
function construction(a: Ends, b: Ends, width: number, height: number): { lines: [Point, Point][]; arc?: string; label: Point } {
  const direction = (l: Ends): Point => ({ x: l.front.x - l.back.x, y: l.front.y - l.back.y });
  const inside = (q: Point | undefined) => q !== undefined && q.x > 20 && q.x < width - 20 && q.y > 20 && q.y < height - 20;
  const across = (d: Point): Point => ({ x: -d.y, y: d.x });
  const tries: [Point, Point, Point, Point][] = [
    [a.back, direction(a), b.back, direction(b)],
    [a.back, across(direction(a)), b.back, across(direction(b))],
    [a.front, across(direction(a)), b.front, across(direction(b))],
  ];
  for (const [from, d, to, e] of tries) {
    const centre = crossing(from, d, to, e);
    if (!inside(centre)) continue;
    const radius = Math.min(46, 0.8 * Math.min(Math.hypot(from.x - centre!.x, from.y - centre!.y), Math.hypot(to.x - centre!.x, to.y - centre!.y)));
    // Where the lines meet between the endplates, the angle is that to the one as it goes on.
    const obtuse = (from.x - centre!.x) * (to.x - centre!.x) + (from.y - centre!.y) * (to.y - centre!.y) < 0;
    const begin = obtuse ? { x: 2 * centre!.x - from.x, y: 2 * centre!.y - from.y } : from;
    const drawn = arc(centre!, begin, to, radius);
    const out = { x: drawn.middle.x - centre!.x, y: drawn.middle.y - centre!.y };
    const far = 1 + 16 / Math.max(radius, 1);
    return { lines: [[from, obtuse ? begin : centre!], [to, centre!]], arc: drawn.path, label: { x: centre!.x + far * out.x, y: centre!.y + far * out.y } };
  }
  // They are all but parallel: a line joins them.
  return { lines: [[a.back, b.back]], label: { x: Math.min(width - 30, (a.back.x + b.back.x) / 2 + 24), y: (a.back.y + b.back.y) / 2 } };
}
