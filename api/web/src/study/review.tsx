// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// A result under review: the views, the panels beside them, and what keys do.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLanguage } from "../i18n";
import type { AnalysisRun, Level, Vertebra } from "../messages";
import { Scale } from "../film/scale";
import { Seeds } from "../film/seeds";
import { Out } from "../out";
import { useLocation } from "../router";
import { useMay } from "../session";
import { Dialogs, type Open } from "./dialogs";
import { moves } from "./draft";
import { Images } from "./images";
import { type Handle, levels, pointOf, pointsOf, sameVertebra, vertebraOf, withPoints } from "./landmarks";
import { KeptNote, Notices } from "./notices";
import { Panels } from "./panels";
import { pointerPoints, type Points } from "./pointer";
import { useReview } from "./usereview";
import { SaveBar } from "./savebar";
import { useShortcuts } from "./shortcuts";
import { useViews, Views } from "./views";

/** kept says that the result is a revision that is looked at as it was, and not changed. */
export function ReviewPage({ run, index, kept }: { run: AnalysisRun; index: number; kept: boolean }) {
  const review = useReview(run, index, kept);
  const mayCorrect = useMay("CORRECT") && !kept;
  const revision = review.base.revision?.number ?? 0;
  const images = useMemo(() => new Images(run.analysis_id!, index, revision), []);
  useEffect(() => () => images.stop(), []);
  const [selected, select] = useSelected(review.analysis.vertebrae ?? []);
  const [handle, setHandle] = useState<Handle>();
  const [moving, setMoving] = useState<{ handle: Handle; points: Points }>();
  const [open, setOpen] = useState<Open>();
  const dragging = useRef(false);
  const film = review.analysis.film !== undefined;
  const [angle, setAngle] = useState<string>();

  // What was let go of stays where it is until the server has told what it makes.
  useEffect(() => {
    if (!dragging.current) setMoving(undefined);
  }, [review.analysis, review.error]);
  useEffect(() => setHandle(undefined), [selected]);

  const analysis = useMemo(
    () =>
      moving
        ? {
            ...review.analysis,
            vertebrae: review.analysis.vertebrae?.map((v) => (v.level === moving.handle.level ? withPoints(v, moving.points) : v)),
          }
        : review.analysis,
    [review.analysis, moving],
  );
  const views = useViews(images, analysis, selected);
  const placesOf = (h: Handle): Points => pointerPoints(vertebraOf(analysis, h.level), h);
  const onMove = (h: Handle, to: Points | undefined, last: boolean, time?: number) => {
    dragging.current = !last;
    if (!to) {
      setMoving(undefined);
      review.live(undefined);
      return;
    }
    setMoving({ handle: h, points: to });
    if (last) review.act({ corrections: moves(h, to, film), handle: h, ...(time === undefined ? {} : { time }) });
    else review.live(moves(h, to, film));
  };
  const choose = (level: Level | undefined) => {
    select(level);
    const v = vertebraOf(analysis, level);
    if (v) views.goTo(v);
  };
  useShortcuts({ review, views, analysis, selected, choose, handle, setHandle, placesOf, onMove, open: setOpen, mayCorrect });

  // Scrolling through slices changes nothing in them.
  const panels = useMemo(
    () => (
      <aside class="panels">
        <SaveBar review={review} mayCorrect={mayCorrect} kept={kept} open={setOpen}>
          <Out studyUID={run.study_instance_uid!} analysisID={run.analysis_id!} revision={revision} kept={kept} level={selected} />
        </SaveBar>
        {film && mayCorrect && <Seeds review={review} analysis={review.analysis} cross={views.cross} />}
        {film && mayCorrect && <Scale review={review} analysis={review.analysis} cross={views.cross} />}
        <Panels
          review={review} analysis={review.analysis} selected={selected} select={choose} mayCorrect={mayCorrect} open={setOpen}
          angle={angle} setAngle={setAngle}
        />
      </aside>
    ),
    [review.analysis, review.base, review.draft, review.automatic, review.saving, review.newer, selected, mayCorrect, angle, film && views.cross, useLanguage()],
  );
  const chosen = vertebraOf(review.analysis, selected);
  const outlined = chosen && sameVertebra(review.base.report?.analyses?.[index], chosen)?.level;
  const held = handle && vertebraOf(analysis, handle.level);
  const magnified = held && pointOf(held, pointsOf(handle)["point" in handle ? 0 : 1]!);
  return (
    <div class="review">
      {kept && <KeptNote run={run} level={selected} />}
      <Notices review={review} openConflict={() => setOpen({ kind: "conflict" })} />
      <Views
        views={views} images={images} revision={revision} analysis={analysis} selected={selected} outlined={outlined} onSelect={choose} handle={handle}
        onHandle={setHandle} correcting={mayCorrect} magnified={magnified} placesOf={placesOf} onMove={onMove}
        angle={analysis.angles?.find((a) => (a.level ?? "") + a.name === angle)}
      />
      {panels}
      <Dialogs open={open} close={() => setOpen(undefined)} review={review} analysis={analysis} choose={select} />
    </div>
  );
}

/** The vertebra that is chosen, which stands in the address behind #. */
function useSelected(vertebrae: readonly Vertebra[]): [Level | undefined, (l: Level | undefined) => void] {
  const { hash } = useLocation();
  const named = levels.find((l) => l === hash);
  const [selected, set] = useState<Level | undefined>(named ?? vertebrae.find((v) => (v.deformity?.genant_grade ?? 0) > 0)?.level);
  useEffect(() => {
    if (named) set(named);
  }, [named]);
  const select = (l: Level | undefined) => {
    set(l);
    history.replaceState(null, "", l ? `#${l}` : location.pathname + location.search);
  };
  return [selected, select];
}
