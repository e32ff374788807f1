// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { because } from "../failures";
import { number, words } from "../i18n";
import { useKeys } from "../keys";
import { Link, paths } from "../router";
import { useMay } from "../session";
import { Dialog, Progress, sentence } from "../ui";
import { measureStudy } from "./rows";
import { ArchiveError } from "./archive";
import { droppedFiles, send, type Sent } from "./send";
import { t as list } from "./words";

const t = words(
  {
    upload: "Upload",
    title: "Upload DICOM files",
    drop: "Drop folders, files or zip archives here",
    many: "there are more files in the archive than are taken",
    large: "it unpacks to more than a hundred times its size",
    nested: "an archive within an archive is not opened",
    encrypted: "it is encrypted",
    damaged: "the archive is damaged",
    folder: "Choose a folder",
    files: "Choose files",
    looking: "Looking into the files…",
    sending: "{done} of {all} files, {mb} of {allmb} MB",
    stored: "{n} images stored",
    skipped: "{n} files that are not DICOM left out",
    refused: "{n} refused",
    more: "and {n} more",
    failed: "Sending broke off: {why}. What had arrived is stored; sending the rest again does no harm.",
    stop: "Stop",
    open: "Open the study",
    nothing: "There was no DICOM file among them.",
  },
  {
    upload: "Uploaden",
    title: "DICOM-bestanden uploaden",
    drop: "Sleep mappen, bestanden of zip-archieven hierheen",
    many: "het archief bevat meer bestanden dan wordt aangenomen",
    large: "het wordt uitgepakt meer dan honderd keer zo groot",
    nested: "een archief in een archief wordt niet geopend",
    encrypted: "het is versleuteld",
    damaged: "het archief is beschadigd",
    folder: "Een map kiezen",
    files: "Bestanden kiezen",
    looking: "De bestanden worden bekeken…",
    sending: "{done} van {all} bestanden, {mb} van {allmb} MB",
    stored: "{n} beelden opgeslagen",
    skipped: "{n} bestanden die geen DICOM zijn overgeslagen",
    refused: "{n} geweigerd",
    more: "en nog {n}",
    failed: "Het verzenden brak af: {why}. Wat aankwam is opgeslagen; de rest opnieuw sturen kan geen kwaad.",
    stop: "Stoppen",
    open: "Het onderzoek openen",
    nothing: "Er was geen DICOM-bestand bij.",
  },
);

/** Takes folders that are dropped anywhere on the page, and those chosen in its window. */
export function Upload({ done }: { done: () => void }) {
  const [open, setOpen] = useState(false);
  const [sent, setSent] = useState<Sent>();
  const stop = useRef<AbortController>(undefined);
  const mayMeasure = useMay("CORRECT");
  useKeys(list("keysTitle"), [{ key: "u", label: list("keyUpload"), run: () => setOpen(true) }]);

  const begin = async (files: Promise<File[]> | File[]) => {
    if (stop.current) return; // one at a time
    stop.current = new AbortController();
    setOpen(true);
    try {
      const result = await send(await files, stop.current.signal, setSent);
      if (mayMeasure && result.error === undefined) for (const uid of result.studies) await measureStudy(uid);
    } catch (error) {
      setSent((s) => s && { ...s, error });
    } finally {
      stop.current = undefined;
      done();
    }
  };
  const beginLatest = useRef(begin);
  beginLatest.current = begin;
  useEffect(() => {
    const over = (e: DragEvent) => {
      if (e.dataTransfer?.types.includes("Files")) e.preventDefault();
    };
    const drop = (e: DragEvent) => {
      if (!e.dataTransfer?.types.includes("Files")) return;
      e.preventDefault();
      void beginLatest.current(droppedFiles(e.dataTransfer));
    };
    document.addEventListener("dragover", over);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("drop", drop);
      stop.current?.abort();
    };
  }, []);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>{t("upload")}</button>
      <Dialog open={open} close={() => setOpen(false)} title={t("title")}>
        <div class="drop">
          <p>{t("drop")}</p>
          <Pick label={t("folder")} folder begin={begin} />
          <Pick label={t("files")} begin={begin} />
        </div>
        {sent && <Outcome sent={sent} stop={() => stop.current?.abort()} close={() => setOpen(false)} />}
      </Dialog>
    </>
  );
}

function Pick({ label, folder, begin }: { label: string; folder?: boolean; begin: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  // Before anybody can choose: an effect may come later.
  useLayoutEffect(() => {
    if (folder) input.current!.webkitdirectory = true;
  }, []);
  return (
    <>
      <button type="button" onClick={() => input.current!.click()}>{label}</button>
      <input
        ref={input}
        class="hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label={label}
        onChange={(e) => {
          begin([...(e.currentTarget.files ?? [])]);
          e.currentTarget.value = "";
        }}
      />
    </>
  );
}

/** How many refusals are listed by name. */
const mostListed = 20;

function Outcome({ sent, stop, close }: { sent: Sent; stop: () => void; close: () => void }) {
  const mb = (bytes: number) => number(bytes / 1e6, bytes < 1e7 ? 1 : 0);
  const looking = !sent.ended && sent.allBytes === 0;
  const said = looking ? t("looking") : t("sending", { done: sent.done, all: sent.all, mb: mb(sent.bytes), allmb: mb(sent.allBytes) });
  return (
    <div class="outcome">
      <p role="status">
        <Progress done={sent.all === 0 ? 0 : sent.done / sent.all} label={said} /> {said}{" "}
        {!sent.ended && <button type="button" onClick={stop}>{t("stop")}</button>}
      </p>
      {sent.ended && (
        <p class={sent.stored > 0 ? "note good" : "note warn"}>
          {sent.stored > 0 ? t("stored", { n: sent.stored }) : t("nothing")}
          {sent.skipped > 0 && `, ${t("skipped", { n: sent.skipped })}`}
        </p>
      )}
      {sent.error !== undefined && <p class="note bad" role="alert">{t("failed", { why: sentence(sent.error) })}</p>}
      {sent.refused.length > 0 && (
        <div class="note bad">
          <p>{t("refused", { n: sent.refused.length })}</p>
          <ul>
            {sent.refused.slice(0, mostListed).map((r) => (
              <li key={r.name}>{r.name}: {r.why instanceof ArchiveError ? t(r.why.what) : because(r.why.reason, r.why.message)}</li>
            ))}
            {sent.refused.length > mostListed && <li>{t("more", { n: sent.refused.length - mostListed })}</li>}
          </ul>
        </div>
      )}
      {sent.ended && sent.studies.map((uid) => (
        <p key={uid}><span onClick={close}><Link to={paths.study(uid)}>{t("open")}</Link></span></p>
      ))}
    </div>
  );
}
