// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Prints what Cornerstone's adapters make of a Segmentation: its segments, and of each
// how many pixels it has in each image, and the sum of their places there.
import fs from 'fs';
import { CornerstoneSEG } from '@cornerstonejs/adapters/cornerstone';

const file = fs.readFileSync(process.argv[2]);
const { Rows, Columns, Orientation, FrameOfReferenceUID, SeriesInstanceUID, Images } = JSON.parse(fs.readFileSync(process.argv[3]));
const byId = Object.fromEntries(Images.map(i => [i.UID, i]));
const modules = {
  generalSeriesModule: () => ({ seriesInstanceUID: SeriesInstanceUID }),
  generalImageModule: i => ({ sopInstanceUID: i.UID }),
  imagePlaneModule: i => ({
    rows: Rows, columns: Columns, rowCosines: Orientation.slice(0, 3), columnCosines: Orientation.slice(3),
    imagePositionPatient: i.Position, imageOrientationPatient: Orientation, frameOfReferenceUID: FrameOfReferenceUID,
  }),
  instance: i => ({ SOPInstanceUID: i.UID, SeriesInstanceUID, FrameOfReferenceUID, Rows, Columns, ImagePositionPatient: i.Position }),
};
const provider = { get: (module, id) => modules[module]?.(byId[id]) };

const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
CornerstoneSEG.Segmentation.generateToolState(Images.map(i => i.UID), buffer, provider).then(print);

function print(state) {
  const size = Rows * Columns;
  const segments = state.segMetadata.data.filter(Boolean).map(s => ({
    Number: s.SegmentNumber,
    Label: s.SegmentLabel,
    Type: [s.SegmentedPropertyTypeCodeSequence].flat()[0].CodeMeaning,
    Color: s.RecommendedDisplayCIELabValue,
    Count: Images.map(() => 0),
    Sum: Images.map(() => 0),
  }));
  const byNumber = Object.fromEntries(segments.map(s => [s.Number, s]));
  for (const map of state.labelmapBufferArray) {
    const labels = new Uint8Array(map);
    for (let at = 0; at < labels.length; at++) {
      if (labels[at] !== 0) {
        const image = Math.floor(at / size);
        byNumber[labels[at]].Count[image]++;
        byNumber[labels[at]].Sum[image] += at % size;
      }
    }
  }
  fs.writeSync(1, JSON.stringify(segments));
}
