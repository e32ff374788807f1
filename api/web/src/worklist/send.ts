// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Sends files to the server as UploadInstances takes them: a line of JSON for the start
// of each, and one for each chunk of at most 1 MiB.

import { api } from "../api";
import { ArchiveError, isArchive, type Item, itemsOf } from "./archive";

/** Why the server does not take a file: the name of an ErrorReason, and its words for it. */
interface Refusal {
  reason: string;
  message: string;
}

/** How far the sending is, and what became of the files. Those of an archive count one by one. */
export interface Sent {
  all: number; // files
  done: number; // which the server has answered, or which were left out
  allBytes: number;
  bytes: number; // of those done
  stored: number;
  skipped: number; // that are no DICOM files
  refused: { name: string; why: ArchiveError | Refusal }[];
  studies: string[]; // StudyInstanceUIDs
  ended: boolean;
  error: unknown; // what broke the sending off
}

/** Bytes of a chunk: a multiple of three, so that its base64 ends evenly, below 1 MiB. */
const chunk = 3 * 256 * 1024;

/** Bytes that one request holds at most, unless a file is larger. */
const batchBytes = 8 << 20;

/** Files that one request holds at most: each takes a line of its own at least. */
const batchFiles = 1000;

/** Sends files and those in archives in batches, one after another, and tells how far it is. */
export async function send(files: File[], signal: AbortSignal, tell: (s: Sent) => void): Promise<Sent> {
  const s: Sent = { all: files.length, done: 0, allBytes: 0, bytes: 0, stored: 0, skipped: 0, refused: [], studies: [], ended: false, error: undefined };
  tell({ ...s });
  try {
    const items = await listed(files, s);
    s.all = items.length + s.refused.length;
    s.done = s.refused.length;
    s.allBytes = items.reduce((sum, i) => sum + i.size, 0);
    tell({ ...s });
    for (const batch of batches(items)) {
      signal.throwIfAborted();
      await sendBatch(batch, signal, s);
      s.done += batch.length;
      s.bytes += batch.reduce((sum, i) => sum + i.size, 0);
      tell({ ...s });
    }
  } catch (error) {
    s.error = error;
  }
  s.ended = true;
  tell({ ...s });
  return s;
}

/** What is to be sent of files: they, or what is in them. Archives that cannot be read are refused. */
async function listed(files: File[], s: Sent): Promise<Item[]> {
  const items: Item[] = [];
  for (const file of files) {
    const name = file.webkitRelativePath || file.name;
    try {
      if (await isArchive(file)) for (const item of await itemsOf(file, name)) items.push(item);
      else items.push({ name, size: file.size, open: () => Promise.resolve(file) });
    } catch (e) {
      s.refused.push({ name, why: reasonOf(e) });
    }
  }
  return items;
}

const reasonOf = (e: unknown): ArchiveError | Refusal =>
  e instanceof ArchiveError ? e : { reason: "", message: e instanceof Error ? e.message : String(e) };

function* batches(items: Item[]): Generator<Item[]> {
  let batch: Item[] = [];
  let size = 0;
  for (const item of items) {
    if (batch.length > 0 && (size + item.size > batchBytes || batch.length === batchFiles)) {
      yield batch;
      [batch, size] = [[], 0];
    }
    batch.push(item);
    size += item.size;
  }
  if (batch.length > 0) yield batch;
}

/** A file as it is sent. */
interface Opened {
  name: string;
  content: Blob;
}

async function sendBatch(batch: Item[], signal: AbortSignal, s: Sent) {
  const opened: Opened[] = [];
  for (const item of batch) {
    try {
      const content = await item.open();
      if (await isDICOM(item.name, content)) opened.push({ name: item.name, content });
      else s.skipped++;
    } catch (e) {
      s.refused.push({ name: item.name, why: reasonOf(e) });
    }
  }
  if (opened.length === 0) return;
  const answer = await api.upload(new Blob(await lines(opened)), signal);
  s.stored += answer.stored ?? 0;
  for (const o of answer.outcomes ?? []) {
    if (o.state === "REFUSED") s.refused.push({ name: o.name ?? "", why: { reason: o.reason ?? "", message: o.message ?? "" } });
    else if (o.study_instance_uid && !s.studies.includes(o.study_instance_uid)) s.studies = [...s.studies, o.study_instance_uid];
  }
}

/**
 * Whether a file is one of DICOM: "DICM" follows a preamble of 128 bytes (PS3.10 7.1) or,
 * where it has none, it begins with an element of group 0002 or 0008, whose first byte is
 * the low one unless the transfer syntax is big endian. The server looks closer, and says
 * what is wrong with one that only seems to be. A DICOMDIR is none to store.
 */
async function isDICOM(name: string, content: Blob): Promise<boolean> {
  if (/(^|[/\\])DICOMDIR$/i.test(name)) return false;
  const head = new Uint8Array(await content.slice(0, 132).arrayBuffer());
  if (String.fromCharCode(...head.subarray(128)) === "DICM") return true;
  const [a, b] = head;
  return head.length >= 8 && ((b === 0 && (a === 2 || a === 8)) || (a === 0 && b === 8));
}

/** The messages of files, a line each. */
async function lines(files: Opened[]): Promise<string[]> {
  const all: string[] = [];
  for (const { name, content } of files) {
    all.push(`${JSON.stringify({ start: { name, size_bytes: String(content.size) } })}\n`);
    for (let at = 0; at < content.size; at += chunk) {
      all.push(`{"chunk":"${await base64(content.slice(at, at + chunk))}"}\n`);
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
