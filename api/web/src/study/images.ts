// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The pictures of an analysis: asked for once, kept while there is room, and those
// beside the one that is looked at asked for ahead.

import { api, bytes } from "../api";
import type { Extent, Outline, RenderImageRequestView } from "../messages";
import { Geometry } from "./geometry";
import { unpacked } from "./samples";

/** A picture that can be asked for. */
export interface Plane {
  view: RenderImageRequestView;
  /** x of a sagittal plane, z of an axial and y of a coronal one; of a straightened picture how far it lies to the left of the canal. mm */
  at: number;
  /** Thickness that a pixel is the mean of, mm. */
  slab: number;
  /** Of a sagittal picture: whether it follows the spine from side to side, at mm to the left of it. */
  follows?: boolean;
}

export interface Picture {
  plane: Plane;
  geometry: Geometry;
  hu: Int16Array;
  extent: Extent | undefined;
}

const keyOf = (p: Plane) => `${p.view}${p.follows ? "*" : ""} ${p.at.toFixed(2)} ${p.slab}`;

const inferior = { x: 0, y: 0, z: -1 };

/** What is kept, bytes of samples. */
const room = 192 << 20;
/** How many calls are made at a time: a browser makes six to one server, and others want theirs. */
const atOnce = 4;
/** How many pictures that nobody waits for may be waiting. */
const mostAhead = 12;

/** How many pictures' outlines are kept. */
const mostOutlined = 1000;

interface Waiting {
  plane: Plane;
  resolve: (p: Picture) => void;
  reject: (e: unknown) => void;
}

export class Images {
  private readonly kept = new Map<string, Picture>(); // the one used last at the end
  private readonly coming = new Map<string, Promise<Picture>>();
  private readonly outlined = new Map<string, Outline[]>(); // by revision and picture
  private wanted: Waiting[] = []; // asked for last at the end, which comes first
  private ahead: Plane[] = [];
  private running = 0;
  private bytes = 0;
  private readonly stopped = new AbortController();

  constructor(
    private readonly analysisID: string,
    private readonly analysisIndex: number,
    private revision: number,
  ) {}

  /** Ends what is being asked for. */
  stop() {
    this.stopped.abort();
  }

  /** A picture that is here already. */
  here(plane: Plane): Picture | undefined {
    const key = keyOf(plane);
    const found = this.kept.get(key);
    if (found) {
      this.kept.delete(key);
      this.kept.set(key, found);
    }
    return found;
  }

  get(plane: Plane): Promise<Picture> {
    const found = this.here(plane);
    if (found) return Promise.resolve(found);
    const key = keyOf(plane);
    let promise = this.coming.get(key);
    if (!promise) {
      promise = new Promise<Picture>((resolve, reject) => this.wanted.push({ plane, resolve, reject }));
      this.coming.set(key, promise);
      this.next();
    }
    return promise;
  }

  /** Asks for pictures that will be wanted, the first first; those asked for before are no longer. */
  prefetch(planes: Plane[]) {
    this.ahead = planes.filter((p) => !this.kept.has(keyOf(p)) && !this.coming.has(keyOf(p))).slice(0, mostAhead);
    this.next();
  }

  /** The outlines that lie over a picture in a revision, if they are here. */
  outlinesHere(plane: Plane, revision: number): Outline[] | undefined {
    return this.outlined.get(`${revision} ${keyOf(plane)}`);
  }

  /** The outlines that lie over a picture in a revision. Pictures asked for from then on come with theirs. */
  async outlines(plane: Plane, revision: number): Promise<Outline[]> {
    this.revision = revision;
    const found = this.outlinesHere(plane, revision);
    if (found) return found;
    const r = await api.render(
      this.analysisID, { ...this.query(plane), format: "NO_PICTURE", outlines: true, revision }, this.stopped.signal,
    );
    return this.keepOutlines(plane, revision, r.outlines);
  }

  private keepOutlines(plane: Plane, revision: number, outlines: Outline[] = []): Outline[] {
    this.outlined.set(`${revision} ${keyOf(plane)}`, outlines);
    if (this.outlined.size > mostOutlined) this.outlined.delete(this.outlined.keys().next().value!);
    return outlines;
  }

  private query({ view, at, slab, follows }: Plane) {
    const asked = { analysis_index: this.analysisIndex, view, slab_mm: slab };
    if (view === "STRAIGHTENED" || follows) return { ...asked, offset_mm: at };
    return { ...asked, "through.x": 0, "through.y": 0, "through.z": 0, [throughAxis[view] ?? "through.x"]: at };
  }

  private next() {
    while (this.running < atOnce && !this.stopped.signal.aborted) {
      const one = this.wanted.pop() ?? this.nextAhead();
      if (!one) return;
      this.running++;
      void this.fetch(one.plane)
        .then(one.resolve, one.reject)
        .finally(() => {
          this.coming.delete(keyOf(one.plane));
          this.running--;
          this.next();
        });
    }
  }

  private nextAhead(): Waiting | undefined {
    const plane = this.ahead.shift();
    if (!plane) return undefined;
    let waiting: Waiting | undefined;
    const promise = new Promise<Picture>((resolve, reject) => {
      waiting = { plane, resolve, reject };
    });
    promise.catch(() => {}); // nobody may wait for it
    this.coming.set(keyOf(plane), promise);
    return waiting;
  }

  private async fetch(plane: Plane): Promise<Picture> {
    const revision = this.revision;
    const r = await api.render(
      this.analysisID, { ...this.query(plane), format: "SAMPLES", outlines: true, revision }, this.stopped.signal,
    );
    this.keepOutlines(plane, revision, r.outlines);
    const columns = r.columns ?? 0;
    const hu = await unpacked(bytes(r.samples ?? ""), columns);
    const geometry = new Geometry(columns, r.rows ?? 0, r.pixel_to_patient ?? [], plane.follows ? inferior : undefined);
    const picture = { plane, geometry, hu, extent: r.extent };
    this.keep(keyOf(plane), picture);
    return picture;
  }

  private keep(key: string, picture: Picture) {
    this.kept.set(key, picture);
    this.bytes += picture.hu.byteLength;
    for (const [old, gone] of this.kept) {
      if (this.bytes <= room) return;
      this.kept.delete(old);
      this.bytes -= gone.hu.byteLength;
    }
  }
}

const throughAxis: Partial<Record<RenderImageRequestView, string>> = {
  SAGITTAL: "through.x",
  CORONAL: "through.y",
  AXIAL: "through.z",
};
