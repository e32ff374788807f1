// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The pictures of a comparison: of one size and aligned by the server, so that they can
// be laid over each other as they are.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { api, bytes } from "../api";
import { dicomDateTime, number } from "../i18n";
import { useKeys } from "../keys";
import type { ComparedExamination, Level, Outline, RenderImageResponse } from "../messages";
import { Link, paths } from "../router";
import { ErrorNote } from "../ui";
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
  window: WindowName;
  outlines: boolean;
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
  const [mode, setMode] = useState<Mode>("side");
  const [offset, setOffset] = useState(0);
  const [window, setWindow] = useState<WindowName>("bone");
  const [outlines, setOutlines] = useState(true);
  const [second, setSecond] = useState(examinations.length - 1);
  const [shown, setShown] = useState<0 | 1>(0);
  const scroll = (by: number) => setOffset((o) => Math.max(-farthest, Math.min(farthest, o + by)));
  useKeys(t("pictures"), [
    { key: "ArrowLeft", label: t("keyScroll"), run: () => scroll(-step) },
    { key: "ArrowRight", label: t("keyScroll"), run: () => scroll(step) },
    { key: "m", label: t("keyMode"), run: () => setMode((m) => modes[(modes.indexOf(m) + 1) % modes.length]!) },
    { key: "b", label: t("keySwap"), run: () => (setMode("blink"), setShown((s) => (s === 0 ? 1 : 0))) },
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
  const view: View = { offset, window, outlines, selected, select };
  const pair = [0, second] as const;
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
              {examinations.slice(1).map((e, i) => <option key={i} value={i + 1}>{nameOf(e)}</option>)}
            </select>
          </label>
        )}
        <label>
          {t("window")}
          <select value={window} onChange={(e) => setWindow(e.currentTarget.value as WindowName)}>
            {Object.entries(windows).map(([name, [c, w]]) => <option key={name} value={name}>{`${name} ${c}/${w}`}</option>)}
          </select>
        </label>
        <label><input type="checkbox" checked={outlines} onChange={(e) => setOutlines(e.currentTarget.checked)} />{t("outlines")}</label>
      </div>
      <div ref={area} class={`row ${mode}`}>
        {mode === "side" && examinations.map((e, i) => <One key={i} comparisonID={comparisonID} examination={e} index={i} view={view} />)}
        {mode === "slider" && <Slider comparisonID={comparisonID} examinations={examinations} pair={pair} view={view} />}
        {mode === "blink" && <Blink comparisonID={comparisonID} examinations={examinations} pair={pair} view={view} shown={shown} show={setShown} />}
      </div>
      <label class="plane">
        {t("plane")}
        <input type="range" min={-farthest} max={farthest} step={step} value={offset} onInput={(e) => setOffset(Number(e.currentTarget.value))} />
        <output>{number(offset, 0)}</output>
      </label>
    </section>
  );
}

/** An examination as it is named: by its date. */
export function nameOf(e: ComparedExamination): string {
  return dicomDateTime(e.acquired);
}

/** A picture and what lies over it. */
interface Picture {
  analysisID: string;
  url: string;
  columns: number;
  rows: number;
  outlines: Outline[];
}

/** Loads an examination's picture; the last one stays until the next is there. */
function usePicture(comparisonID: string, examination: number, view: View): { picture: Picture | undefined; error: unknown } {
  const [state, set] = useState<{ picture: Picture | undefined; error: unknown }>({ picture: undefined, error: undefined });
  const { offset, window } = view;
  useEffect(() => {
    const stop = new AbortController();
    const [center, width] = windows[window];
    api.renderComparison(comparisonID, {
      examination, offset_mm: offset, window_center_hu: center, window_width_hu: width, outlines: true,
    }, stop.signal).then(
      (r) => stop.signal.aborted || set({ picture: pictureOf(r.analysis_id ?? "", r.image ?? {}), error: undefined }),
      (error: unknown) => stop.signal.aborted || set((s) => ({ ...s, error })),
    );
    return () => stop.abort();
  }, [comparisonID, examination, offset, window]);
  const url = state.picture?.url;
  useEffect(() => () => void (url && URL.revokeObjectURL(url)), [url]);
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

interface OneProps {
  comparisonID: string;
  examination: ComparedExamination;
  index: number;
  view: View;
}

function One({ comparisonID, examination, index, view }: OneProps) {
  const { picture, error } = usePicture(comparisonID, index, view);
  if (error !== undefined) return <ErrorNote error={error} />;
  return (
    <figure>
      <figcaption>
        <Link to={paths.study(examination.study_instance_uid!, picture?.analysisID, view.selected)}>{nameOf(examination)}</Link>
      </figcaption>
      {picture && (
        <svg viewBox={`0 0 ${picture.columns} ${picture.rows}`} role="img" aria-label={altOf(examination, view)}>
          <Layer picture={picture} view={view} />
        </svg>
      )}
    </figure>
  );
}

function altOf(e: ComparedExamination, view: View): string {
  return t("pictureOf", { examination: nameOf(e), offset: view.offset });
}

function Layer({ picture, view }: { picture: Picture; view: View }) {
  return (
    <>
      <image href={picture.url} width={picture.columns} height={picture.rows} />
      {view.outlines && picture.outlines.map((o, i) => <Shape key={i} outline={o} view={view} />)}
      {view.outlines && labels(picture.outlines).map(({ level, x, y }) => (
        <text key={level} x={x} y={y} class={level === view.selected ? "selected" : ""} onClick={() => view.select(level)}>{level}</text>
      ))}
    </>
  );
}

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
  return [...boxes].map(([level, box]) => ({ level, x: box.x - 5, y: (box.top + box.bottom) / 2 + 4 }));
}

interface PairProps {
  comparisonID: string;
  examinations: ComparedExamination[];
  pair: readonly [number, number];
  view: View;
}

function usePair({ comparisonID, pair, view }: PairProps) {
  const first = usePicture(comparisonID, pair[0], view);
  const second = usePicture(comparisonID, pair[1], view);
  return { first: first.picture, second: second.picture, error: first.error ?? second.error };
}

/** The first picture to the left of a boundary that can be moved, the second to its right. */
function Slider(props: PairProps) {
  const { first, second, error } = usePair(props);
  const [at, setAt] = useState(0.5);
  const clip = useId();
  if (error !== undefined) return <ErrorNote error={error} />;
  if (!first || !second) return null;
  const { columns, rows } = first;
  const x = at * columns;
  const move = (e: PointerEvent & { currentTarget: SVGSVGElement }) => {
    if (e.buttons === 0) return;
    const box = e.currentTarget.getBoundingClientRect();
    setAt(Math.max(0, Math.min(1, (e.clientX - box.left) / box.width)));
  };
  const [a, b] = props.pair.map((i) => props.examinations[i]!) as [ComparedExamination, ComparedExamination];
  return (
    <figure>
      <figcaption class="both"><span>{nameOf(a)}</span><span>{nameOf(b)}</span></figcaption>
      <svg viewBox={`0 0 ${columns} ${rows}`} role="img" aria-label={`${altOf(a, props.view)}; ${altOf(b, props.view)}`} onPointerDown={move} onPointerMove={move}>
        <clipPath id={clip}><rect x={x} y={0} width={columns - x} height={rows} /></clipPath>
        <Layer picture={first} view={props.view} />
        <g clip-path={`url(#${clip})`}><Layer picture={second} view={props.view} /></g>
        <line class="divide" x1={x} x2={x} y1={0} y2={rows} />
      </svg>
      <label class="plane">
        <span class="hidden">{t("divide")}</span>
        <input type="range" min={0} max={100} value={Math.round(at * 100)} onInput={(e) => setAt(Number(e.currentTarget.value) / 100)} />
      </label>
    </figure>
  );
}

/** The pictures in turns, at the reader's pace or at one of their own. */
function Blink({ shown, show, ...props }: PairProps & { shown: 0 | 1; show: (f: (now: 0 | 1) => 0 | 1) => void }) {
  const { first, second, error } = usePair(props);
  const [running, setRunning] = useState(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => show((s) => (s === 0 ? 1 : 0)), turn);
    return () => clearInterval(timer);
  }, [running]);
  if (error !== undefined) return <ErrorNote error={error} />;
  if (!first || !second) return null;
  const examination = props.examinations[props.pair[shown]]!;
  return (
    <figure>
      <figcaption>{nameOf(examination)}</figcaption>
      <svg viewBox={`0 0 ${first.columns} ${first.rows}`} role="img" aria-label={altOf(examination, props.view)}>
        <Layer picture={shown === 0 ? first : second} view={props.view} />
      </svg>
      <p class="plane">
        <button type="button" onClick={() => setRunning(!running)}>{t(running ? "pause" : "run")}</button>
        <button type="button" onClick={() => (setRunning(false), show((s) => (s === 0 ? 1 : 0)))}>{t("swap")} <kbd>b</kbd></button>
      </p>
    </figure>
  );
}
