// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The pictures of a comparison: of one size and aligned by the server, so that they can
// be laid over each other as they are.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { api, bytes } from "../api";
import { number } from "../i18n";
import { useKeys } from "../keys";
import type { ComparedExamination, Level, Outline, RenderImageResponse } from "../messages";
import { Link, paths } from "../router";
import { ErrorNote, Loading } from "../ui";
import { useNames } from "./names";
import { t } from "./words";

type Mode = "side" | "slider" | "blink";
const modes: Mode[] = ["side", "slider", "blink"];

/** Grey windows by name: centre and width, HU. */
const windows = { bone: [400, 1500], spine: [250, 800], soft: [50, 400], cement: [1200, 3000] } as const;
type WindowName = keyof typeof windows;

/** How far the plane may be from the spine, mm, and the step of scrolling. */
const farthest = 40;
const step = 1;

/** How long each picture is shown when they take turns, ms. */
const turn = 800;

interface View {
  offset: number;
  outlines: boolean;
  /** What of the pictures is shown, as a viewBox: the same of all. */
  box: string;
  selected: Level | undefined;
  select: (level: Level) => void;
}

interface Props {
  comparisonID: string;
  examinations: ComparedExamination[];
  selected: Level | undefined;
  select: (level: Level) => void;
}

/** All pictures, scrolled together. */
export function Pictures({ comparisonID, examinations, selected, select }: Props) {
  const { name } = useNames();
  const [mode, setMode] = useState<Mode>("side");
  const [offset, setOffset] = useState(0);
  const [window, setWindow] = useState<WindowName>("bone");
  const [outlines, setOutlines] = useState(true);
  const [second, setSecond] = useState(examinations.length - 1);
  const [shown, setShown] = useState<0 | 1>(0);
  const [zoomed, setZoomed] = useState(false);
  const scroll = (by: number) => setOffset((o) => Math.max(-farthest, Math.min(farthest, o + by)));
  useKeys(t("pictures"), [
    { key: "ArrowLeft", label: t("keyScroll"), run: () => scroll(-step) },
    { key: "ArrowRight", label: t("keyScroll"), run: () => scroll(step) },
    { key: "m", label: t("keyMode"), run: () => setMode((m) => modes[(modes.indexOf(m) + 1) % modes.length]!) },
    { key: "b", label: t("keySwap"), run: () => (setMode("blink"), setShown((s) => (s === 0 ? 1 : 0))) },
    { key: "z", label: t("keyZoom"), run: () => setZoomed((z) => !z) },
    { key: "o", label: t("keyOutlines"), run: () => setOutlines((o) => !o) },
  ]);
  const area = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const wheel = (e: WheelEvent) => {
      e.preventDefault();
      scroll(Math.sign(e.deltaY) * step);
    };
    area.current!.addEventListener("wheel", wheel, { passive: false });
    return () => area.current?.removeEventListener("wheel", wheel);
  }, []);
  const { pictures, error } = usePictures(comparisonID, examinations.length, offset, window);
  const view: View = { offset, outlines, box: boxOf(pictures, zoomed ? selected : undefined), selected, select };
  const [a, b] = [pictures[0], pictures[second]];
  const pair = a && b && { first: a, second: b, names: [examinations[0]!, examinations[second]!] as PairProps["names"], view };
  return (
    <section class="pictures" aria-label={t("pictures")}>
      <div class="tools">
        <div role="group" aria-label={t("mode")}>
          {modes.map((m) => <button key={m} type="button" aria-pressed={mode === m} onClick={() => setMode(m)}>{t(m)}</button>)}
        </div>
        {examinations.length > 2 && mode !== "side" && (
          <label>
            {t("pair")}
            <select value={second} onChange={(e) => setSecond(Number(e.currentTarget.value))}>
              {examinations.slice(1).map((e, i) => <option key={i} value={i + 1}>{name(e)}</option>)}
            </select>
          </label>
        )}
        <label>
          {t("window")}
          <select value={window} onChange={(e) => setWindow(e.currentTarget.value as WindowName)}>
            {Object.entries(windows).map(([kind, [c, w]]) => <option key={kind} value={kind}>{`${t(`window_${kind as WindowName}`)} ${c}/${w}`}</option>)}
          </select>
        </label>
        <label><input type="checkbox" checked={outlines} onChange={(e) => setOutlines(e.currentTarget.checked)} />{t("outlines")}</label>
        <label><input type="checkbox" checked={zoomed} onChange={(e) => setZoomed(e.currentTarget.checked)} />{t("zoom")}</label>
      </div>
      <div ref={area} class={`row ${mode}`}>
        {error !== undefined && <ErrorNote error={error} />}
        {pictures.length === 0 && error === undefined && <Loading />}
        {mode === "side" && pictures.map((p, i) => <One key={i} picture={p} examination={examinations[i]!} view={view} />)}
        {mode === "slider" && pair && <Slider {...pair} />}
        {mode === "blink" && pair && <Blink {...pair} shown={shown} show={setShown} />}
      </div>
      <label class="plane">
        {t("plane")}
        <input type="range" min={-farthest} max={farthest} step={step} value={offset} onInput={(e) => setOffset(Number(e.currentTarget.value))} />
        <output>{number(offset, 0)}</output>
      </label>
    </section>
  );
}

/** Half of the height that is shown about a chosen level, in heights of its body. */
const around = 2;

/** The part of the pictures about a level, or all of them. */
function boxOf(pictures: Picture[], level: Level | undefined): string {
  const { columns, rows } = pictures[0] ?? { columns: 1, rows: 1 };
  const bodies = pictures.flatMap((p) => p.outlines).filter((o) => o.structure === "BODY" && o.level === level && o.columns?.length);
  if (!level || bodies.length === 0) return `0 0 ${columns} ${rows}`;
  const xs = bodies.flatMap((o) => o.columns!);
  const ys = bodies.flatMap((o) => o.rows!);
  const [x, y] = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  const half = Math.min(rows / 2, around * (Math.max(...ys) - Math.min(...ys)));
  const wide = (half * columns) / rows;
  const clamp = (from: number, most: number) => Math.max(0, Math.min(most, from));
  return [clamp(x - wide, columns - 2 * wide), clamp(y - half, rows - 2 * half), 2 * wide, 2 * half].map((v) => v.toFixed(1)).join(" ");
}

/** A picture and what lies over it. */
interface Picture {
  analysisID: string;
  url: string;
  columns: number;
  rows: number;
  outlines: Outline[];
}

interface Loaded {
  pictures: Picture[];
  error: unknown;
}

/** Loads the pictures of all examinations; the last ones stay until the next are there. */
function usePictures(comparisonID: string, n: number, offset: number, window: WindowName): Loaded {
  const [state, set] = useState<Loaded>({ pictures: [], error: undefined });
  useEffect(() => {
    const stop = new AbortController();
    const [center, width] = windows[window];
    const ask = (examination: number) => api.renderComparison(comparisonID, {
      examination, offset_mm: offset, window_center_hu: center, window_width_hu: width, outlines: true,
    }, stop.signal);
    Promise.all(Array.from({ length: n }, (_, i) => ask(i))).then(
      (all) => stop.signal.aborted || set({ pictures: all.map((r) => pictureOf(r.analysis_id ?? "", r.image ?? {})), error: undefined }),
      (error: unknown) => stop.signal.aborted || set((s) => ({ ...s, error })),
    );
    return () => stop.abort();
  }, [comparisonID, n, offset, window]);
  const { pictures } = state;
  useEffect(() => () => pictures.forEach((p) => URL.revokeObjectURL(p.url)), [pictures]);
  return state;
}

function pictureOf(analysisID: string, m: RenderImageResponse): Picture {
  return {
    analysisID,
    url: URL.createObjectURL(new Blob([bytes(m.png ?? "")], { type: "image/png" })),
    columns: m.columns ?? 1,
    rows: m.rows ?? 1,
    outlines: m.outlines ?? [],
  };
}

function One({ picture, examination, view }: { picture: Picture; examination: ComparedExamination; view: View }) {
  const { name } = useNames();
  return (
    <figure>
      <figcaption>
        <Link to={paths.study(examination.study_instance_uid!, picture.analysisID, view.selected)}>{name(examination)}</Link>
      </figcaption>
      <svg viewBox={view.box} role="img" aria-label={altOf(name(examination), view)}><Layer picture={picture} view={view} /></svg>
    </figure>
  );
}

function altOf(name: string, view: View): string {
  return t("pictureOf", { examination: name, offset: view.offset });
}

function Layer({ picture, view }: { picture: Picture; view: View }) {
  const size = Number(view.box.split(" ")[3]) / lettersHigh;
  return (
    <>
      <image href={picture.url} width={picture.columns} height={picture.rows} />
      {view.outlines && picture.outlines.map((o, i) => <Shape key={i} outline={o} view={view} />)}
      {view.outlines && labels(picture.outlines).map(({ level, x, y }) => (
        <text key={level} x={x} y={y} font-size={size} class={level === view.selected ? "selected" : ""} onClick={() => view.select(level)}>{level}</text>
      ))}
    </>
  );
}

/** How many letters are as high as a picture. */
const lettersHigh = 26;

function Shape({ outline, view }: { outline: Outline; view: View }) {
  const { columns = [], rows = [], level } = outline;
  const points = columns.map((c, i) => `${(c + 0.5).toFixed(1)},${(rows[i]! + 0.5).toFixed(1)}`).join(" ");
  const kind = `${outline.structure?.toLowerCase()}${level && level === view.selected ? " selected" : ""}`;
  const Element = outline.closed ? "polygon" : "polyline";
  return <Element class={kind} points={points} onClick={() => level && view.select(level)} />;
}

/** Where the names of levels stand: in front of the bodies, whose outlines may be of several lines. */
function labels(outlines: Outline[]): { level: Level; x: number; y: number }[] {
  const boxes = new Map<Level, { x: number; top: number; bottom: number }>();
  for (const { structure, level, columns = [], rows = [] } of outlines) {
    if (structure !== "BODY" || !level || columns.length === 0) continue;
    const box = boxes.get(level) ?? { x: Infinity, top: Infinity, bottom: -Infinity };
    boxes.set(level, { x: Math.min(box.x, ...columns), top: Math.min(box.top, ...rows), bottom: Math.max(box.bottom, ...rows) });
  }
  return [...boxes].map(([level, box]) => ({ level, x: box.x - 5, y: (box.top + box.bottom) / 2 }));
}

interface PairProps {
  first: Picture;
  second: Picture;
  names: [ComparedExamination, ComparedExamination];
  view: View;
}

/** The first picture to the left of a boundary that can be moved, the second to its right. */
function Slider({ first, second, names: [a, b], view }: PairProps) {
  const { name } = useNames();
  const [at, setAt] = useState(0.5);
  const clip = useId();
  const [left, top, columns, rows] = view.box.split(" ").map(Number) as [number, number, number, number];
  const x = left + at * columns;
  const move = (e: PointerEvent & { currentTarget: SVGSVGElement }) => {
    if (e.buttons === 0) return;
    const to = new DOMPoint(e.clientX, e.clientY).matrixTransform(e.currentTarget.getScreenCTM()!.inverse());
    setAt(Math.max(0, Math.min(1, (to.x - left) / columns)));
  };
  return (
    <figure>
      <figcaption class="both"><span>{name(a)}</span><span>{name(b)}</span></figcaption>
      <svg viewBox={view.box} role="img" aria-label={`${altOf(name(a), view)}; ${altOf(name(b), view)}`} onPointerDown={move} onPointerMove={move}>
        <clipPath id={clip}><rect x={x} y={top} width={left + columns - x} height={rows} /></clipPath>
        <Layer picture={first} view={view} />
        <g clip-path={`url(#${clip})`}><Layer picture={second} view={view} /></g>
        <line class="divide" x1={x} x2={x} y1={top} y2={top + rows} />
      </svg>
      <label class="plane">
        <span class="hidden">{t("divide")}</span>
        <input type="range" min={0} max={100} value={Math.round(at * 100)} onInput={(e) => setAt(Number(e.currentTarget.value) / 100)} />
      </label>
    </figure>
  );
}

/** The pictures in turns, at the reader's pace or at one of their own. */
function Blink({ first, second, names, view, shown, show }: PairProps & { shown: 0 | 1; show: (f: (now: 0 | 1) => 0 | 1) => void }) {
  const { name } = useNames();
  const [running, setRunning] = useState(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => show((s) => (s === 0 ? 1 : 0)), turn);
    return () => clearInterval(timer);
  }, [running]);
  return (
    <figure>
      <figcaption>{name(names[shown])}</figcaption>
      <svg viewBox={view.box} role="img" aria-label={altOf(name(names[shown]), view)}>
        <Layer picture={shown === 0 ? first : second} view={view} />
      </svg>
      <p class="plane">
        <button type="button" onClick={() => setRunning(!running)}>{t(running ? "pause" : "run")}</button>
        <button type="button" onClick={() => (setRunning(false), show((s) => (s === 0 ? 1 : 0)))}>{t("swap")} <kbd>b</kbd></button>
      </p>
    </figure>
  );
}
