// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// What keys do while a result is reviewed.

import { words } from "../i18n";
import { type Key, useKeys } from "../keys";
import type { Analysis, Level } from "../messages";
import type { Open } from "./dialogs";
import { add, scale, type Vec, zoomed } from "./geometry";
import { type Handle, pointNames, pointsOf, vertebraOf } from "./landmarks";
import type { Points } from "./pointer";
import type { Review } from "./usereview";
import { presets, type ViewState, viewOrder } from "./views";

const t = words(
  {
    images: "Images", vertebrae: "Vertebrae", correct: "Correct", up: "slice up, left or superior; the held point 0.1 mm up", down: "slice down; the held point 0.1 mm down",
    left: "the held point 0.1 mm left", right: "the held point 0.1 mm right", farther: "the held point 1 mm", pageUp: "ten slices on", pageDown: "ten slices back",
    view: "next view", preset: "next window", zoomIn: "zoom in", zoomOut: "zoom out", fit: "whole image", overlays: "hide or show overlays",
    next: "next vertebra", previous: "previous vertebra", near: "zoom to the vertebra", point: "hold point {n}", superior: "hold the superior endplate",
    inferior: "hold the inferior endplate", release: "let go", undo: "undo", redo: "redo", save: "save or accept", rename: "rename the level", fix: "confirm the name",
    unmeasurable: "not measurable", remove: "remove the vertebra", addOne: "add a vertebra",
  },
  {
    images: "Beelden", vertebrae: "Wervels", correct: "Corrigeren", up: "snede omhoog, naar links of boven; het vastgehouden punt 0,1 mm omhoog", down: "snede omlaag; het vastgehouden punt 0,1 mm omlaag",
    left: "het vastgehouden punt 0,1 mm naar links", right: "het vastgehouden punt 0,1 mm naar rechts", farther: "het vastgehouden punt 1 mm", pageUp: "tien sneden verder", pageDown: "tien sneden terug",
    view: "volgend beeld", preset: "volgend venster", zoomIn: "inzoomen", zoomOut: "uitzoomen", fit: "heel beeld", overlays: "lagen verbergen of tonen",
    next: "volgende wervel", previous: "vorige wervel", near: "inzoomen op de wervel", point: "punt {n} vasthouden", superior: "bovenste dekplaat vasthouden",
    inferior: "onderste dekplaat vasthouden", release: "loslaten", undo: "ongedaan maken", redo: "opnieuw", save: "opslaan of akkoord", rename: "niveau hernoemen", fix: "naam bevestigen",
    unmeasurable: "niet meetbaar", remove: "wervel verwijderen", addOne: "wervel toevoegen",
  },
);

/** How far a key moves what is held, mm. */
const nudge = 0.1;
const nudgeFar = 1;

export interface ShortcutProps {
  review: Review;
  views: ViewState;
  analysis: Analysis;
  selected: Level | undefined;
  choose: (l: Level | undefined) => void;
  handle: Handle | undefined;
  setHandle: (h: Handle | undefined) => void;
  placesOf: (h: Handle) => Points;
  onMove: (h: Handle, to: Points | undefined, last: boolean, time?: number) => void;
  open: (o: Open) => void;
  mayCorrect: boolean;
}

export function useShortcuts(p: ShortcutProps) {
  useKeys(t("images"), imageKeys(p));
  useKeys(t("vertebrae"), vertebraKeys(p));
  useKeys(t("correct"), p.mayCorrect ? correctKeys(p) : []);
}

function imageKeys(p: ShortcutProps): Key[] {
  const { views } = p;
  const zoom = (factor: number) => {
    const pane = document.querySelector<HTMLElement>(`[data-view="${views.active}"]`);
    const z = views.zooms[views.active];
    if (!pane || !views.geometryOf(views.active)) return;
    const { width, height } = pane.getBoundingClientRect();
    const s = Number(pane.dataset["scale"]);
    const now = z ?? { scale: s, left: Number(pane.dataset["left"]), top: Number(pane.dataset["top"]) };
    views.setZoom(views.active, zoomed(now, factor, width / 2, height / 2));
  };
  const slices = (n: number) => views.scroll(views.active, n);
  return [
    { key: "ArrowUp", label: t("up"), run: () => (p.handle ? move(p, 0, -nudge) : slices(1)) },
    { key: "ArrowDown", label: t("down"), run: () => (p.handle ? move(p, 0, nudge) : slices(-1)) },
    { key: "PageUp", label: t("pageUp"), run: () => slices(10) },
    { key: "PageDown", label: t("pageDown"), run: () => slices(-10) },
    { key: "v", label: t("view"), run: () => focusView(p, viewOrder[(viewOrder.indexOf(views.active) + 1) % viewOrder.length]!) },
    { key: "w", label: t("preset"), run: () => views.setWindow(presets[(presets.findIndex((w) => w.width === views.window.width) + 1) % presets.length]!) },
    { key: "+", label: t("zoomIn"), run: () => zoom(1.25) },
    { key: "-", label: t("zoomOut"), run: () => zoom(0.8) },
    { key: "0", label: t("fit"), run: views.resetZoom },
    { key: "o", label: t("overlays"), run: views.toggleAll },
  ];
}

function focusView(p: ShortcutProps, view: (typeof viewOrder)[number]) {
  p.views.setActive(view);
  document.querySelector<HTMLElement>(`[data-view="${view}"]`)?.focus();
}

function vertebraKeys(p: ShortcutProps): Key[] {
  const all = p.analysis.vertebrae ?? [];
  const step = (by: number) => {
    const at = all.findIndex((v) => v.level === p.selected);
    const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))];
    if (next) p.choose(next.level);
  };
  const chosen = vertebraOf(p.analysis, p.selected);
  return [
    { key: "n", label: t("next"), run: () => step(1) },
    { key: "p", label: t("previous"), run: () => step(-1) },
    { key: "z", label: t("near"), run: () => chosen && p.views.goTo(chosen, 90) },
  ];
}

function correctKeys(p: ShortcutProps): Key[] {
  const level = p.selected;
  const hold = (h: Handle) => {
    p.setHandle(h);
    if (p.views.active === "AXIAL") p.views.setActive("SAGITTAL");
  };
  const always: Key[] = [
    { key: "Ctrl+z", label: t("undo"), run: () => p.review.draft.done > 0 && p.review.undo() },
    { key: "Ctrl+Shift+z", label: t("redo"), run: p.review.redo },
    { key: "Ctrl+y", label: t("redo"), run: p.review.redo },
    { key: "Ctrl+s", label: t("save"), run: () => p.open({ kind: "save" }) },
    { key: "a", label: t("addOne"), run: () => p.open({ kind: "add" }) },
  ];
  if (!level) return always;
  return [
    ...pointNames.map((point, i): Key => ({ key: String(i + 1), label: t("point", { n: i + 1 }), run: () => hold({ level, point }) })),
    { key: "7", label: t("superior"), run: () => hold({ level, endplate: "superior" }) },
    { key: "8", label: t("inferior"), run: () => hold({ level, endplate: "inferior" }) },
    { key: "ArrowLeft", label: t("left"), run: () => move(p, -nudge, 0) },
    { key: "ArrowRight", label: t("right"), run: () => move(p, nudge, 0) },
    { key: "Shift+ArrowUp", label: t("farther"), run: () => move(p, 0, -nudgeFar) },
    { key: "Shift+ArrowDown", label: t("farther"), run: () => move(p, 0, nudgeFar) },
    { key: "Shift+ArrowLeft", label: t("farther"), run: () => move(p, -nudgeFar, 0) },
    { key: "Shift+ArrowRight", label: t("farther"), run: () => move(p, nudgeFar, 0) },
    { key: "Escape", label: t("release"), run: () => p.setHandle(undefined) },
    { key: "r", label: t("rename"), run: () => p.open({ kind: "rename", level }) },
    { key: "f", label: t("fix"), run: () => p.review.act({ corrections: [{ rename_level: { from: level, to: level } }] }) },
    { key: "m", label: t("unmeasurable"), run: () => p.open({ kind: "unmeasurable", level }) },
    { key: "Delete", label: t("remove"), run: () => p.open({ kind: "remove", level }) },
    ...always,
  ];
}

/** Moves what is held so many mm to the right and down, as the view shows it. */
function move(p: ShortcutProps, right: number, down: number) {
  const { handle } = p;
  const geometry = p.views.geometryOf(p.views.active === "AXIAL" ? "SAGITTAL" : p.views.active);
  if (!handle || !p.mayCorrect || !geometry) return;
  const points = p.placesOf(handle);
  const first = pointsOf(handle).map((n) => points[n]).find((at) => at !== undefined);
  if (!first) return;
  const axes = geometry.axes(geometry.place(first));
  const by: Vec = add(scale(right, axes.right), scale(down, axes.down));
  const to = Object.fromEntries(Object.entries(points).map(([n, at]) => [n, add(at, by)])) as Points;
  p.onMove(handle, to, true, performance.now());
}
