// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Files in zip archives. They are unpacked here, one after another as they are sent, and
// bounded as endplate bounds them where it reads archives itself: whoever made an archive
// may mean harm.

import { type Entry, type FileEntry, type Reader, ZipReader } from "@zip.js/zip.js/lib/zip-core-reader.js";

/** Something to send. */
export interface Item {
  /** A path, as a rule; nothing is ever written where it says. */
  name: string;
  /** What it has, or in an archive is said to have, bytes. */
  size: number;
  open: () => Promise<Blob>;
}

/** Why an archive, or a file in it, is not unpacked; what is wrong is the name of one of the page's words. */
export class ArchiveError extends Error {
  constructor(readonly what: "many" | "large" | "nested" | "encrypted" | "damaged") {
    super(what);
  }
}

/** How many files an archive holds at most: ten series of several thousand images. */
const mostFiles = 50_000;

/** What deflated content of a size may unpack to, bytes. A CT deflates to a half, a made one without noise to a hundredth. */
export const inflationLimit = (packed: number): number => (32 << 20) + 100 * packed;

const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());

/** Whether a file begins as a zip archive does. */
export async function isArchive(blob: Blob): Promise<boolean> {
  const head = await bytesOf(blob.slice(0, 4));
  return head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6));
}

/** An archive as it is read: where it is needed, and never as a whole. */
function reading(archive: File): Reader<File> {
  const part = (at: number, length: number) => archive.slice(at, at + length);
  return {
    size: archive.size,
    readable: archive.stream(),
    readUint8Array: (at, length) => bytesOf(part(at, length)),
    createReadable: ({ offset = 0, size = archive.size - offset } = {}) => part(offset, size).stream(),
  };
}

/** The files of an archive. It throws an ArchiveError. */
export async function itemsOf(archive: File, name: string): Promise<Item[]> {
  const zip = new ZipReader(reading(archive), {
    useWebWorkers: false, useCompressionStream: true, filenameValidation: "tolerant", checkCrc32: true, checkOverlappingEntry: true,
  });
  const items: Item[] = [];
  let total = 0;
  try {
    for await (const entry of zip.getEntriesGenerator()) {
      if (entry.directory) continue;
      total += entry.uncompressedSize;
      if (items.length === mostFiles) throw new ArchiveError("many");
      if (!(total <= inflationLimit(archive.size))) throw new ArchiveError("large");
      items.push({ name: `${name}/${plainPath(entry)}`, size: entry.uncompressedSize, open: () => unpacked(entry) });
    }
  } catch (e) {
    throw e instanceof ArchiveError ? e : new ArchiveError("damaged");
  }
  return items;
}

/** The longest name that is told, characters. */
const longestName = 200;

/** The path of a file in its archive, without what would lead out of it. */
function plainPath(entry: Entry): string {
  const parts = entry.filename.split(/[/\\]/).filter((part) => part !== "" && part !== "." && part !== "..");
  return parts.join("/").slice(-longestName);
}

/** What a file of an archive holds; never more than it is said to. */
async function unpacked(entry: FileEntry): Promise<Blob> {
  if (entry.encrypted) throw new ArchiveError("encrypted");
  if (entry.uncompressedSize > inflationLimit(entry.compressedSize)) throw new ArchiveError("large");
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const into = new WritableStream<Uint8Array<ArrayBuffer>>({
    write: (part) => {
      size += part.length;
      if (size > entry.uncompressedSize) throw new ArchiveError("damaged");
      parts.push(part.slice());
    },
  });
  try {
    await entry.getData(into);
  } catch {
    throw new ArchiveError("damaged");
  }
  const blob = new Blob(parts);
  if (await isArchive(blob)) throw new ArchiveError("nested");
  return blob;
}
