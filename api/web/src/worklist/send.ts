// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Sends files to the server as UploadInstances takes them: a line of JSON for the start
// of each, and one for each chunk of at most 1 MiB.

import { api } from "../api";

/** How far the sending is, and what became of the files. */
export interface Sent {
  all: number; // files
  done: number;
  bytes: number; // that were sent
  stored: number;
  skipped: number; // that are no DICOM files
  refused: { name: string; reason: string; message: string }[];
  studies: string[]; // StudyInstanceUIDs
  ended: boolean;
  error: unknown; // what broke the sending off
}

/** Bytes of a chunk: a multiple of three, so that its base64 ends evenly, below 1 MiB. */
const chunk = 3 * 256 * 1024;

/** Bytes that one request holds at most, unless a file is larger. */
const batchBytes = 8 << 20;

/** Sends files in batches, one after another, and tells how far it is. */
export async function send(files: File[], signal: AbortSignal, tell: (s: Sent) => void): Promise<Sent> {
  const s: Sent = { all: files.length, done: 0, bytes: 0, stored: 0, skipped: 0, refused: [], studies: [], ended: false, error: undefined };
  const studies = new Set<string>();
  tell({ ...s });
  try {
    for (const batch of batches(files)) {
      const dicom = await keep(batch, isDICOM);
      s.skipped += batch.length - dicom.length;
      if (dicom.length > 0) {
        const answer = await api.upload(new Blob(await lines(dicom)), signal);
        s.stored += answer.stored ?? 0;
        for (const o of answer.outcomes ?? []) {
          if (o.state === "REFUSED") s.refused.push({ name: o.name ?? "", reason: o.reason ?? "", message: o.message ?? "" });
          else if (o.study_instance_uid) studies.add(o.study_instance_uid);
        }
      }
      s.done += batch.length;
      s.bytes += batch.reduce((sum, f) => sum + f.size, 0);
      s.studies = [...studies];
      tell({ ...s });
    }
  } catch (error) {
    s.error = error;
  }
  s.ended = true;
  tell({ ...s });
  return s;
}

function* batches(files: File[]): Generator<File[]> {
  let batch: File[] = [];
  let size = 0;
  for (const file of files) {
    if (batch.length > 0 && size + file.size > batchBytes) {
      yield batch;
      [batch, size] = [[], 0];
    }
    batch.push(file);
    size += file.size;
  }
  if (batch.length > 0) yield batch;
}

async function keep(files: File[], test: (f: File) => Promise<boolean>): Promise<File[]> {
  const kept = await Promise.all(files.map(test));
  return files.filter((_, i) => kept[i]);
}

/** Whether a file is one of DICOM PS3.10: "DICM" follows a preamble of 128 bytes. A DICOMDIR is none to store. */
async function isDICOM(file: File): Promise<boolean> {
  return file.name !== "DICOMDIR" && (await file.slice(128, 132).text()) === "DICM";
}

/** The messages of files, a line each. */
async function lines(files: File[]): Promise<string[]> {
  const all: string[] = [];
  for (const file of files) {
    all.push(`${JSON.stringify({ start: { name: file.webkitRelativePath || file.name, size_bytes: String(file.size) } })}\n`);
    for (let at = 0; at < file.size; at += chunk) {
      all.push(`{"chunk":"${await base64(file.slice(at, at + chunk))}"}\n`);
    }
  }
  return all;
}

function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error ?? new Error(blob.type));
    reader.readAsDataURL(blob);
  });
}

/** The files that were dropped, those in folders and their folders too. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  // The entries are there only until the event is over.
  const entries = [...transfer.items].map((i) => i.webkitGetAsEntry()).filter((e) => e !== null);
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  for (;;) { // a reader gives some at a time, and none at the end
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const one of some) found.push(...(await filesOf(one)));
  }
}
