// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Prints the annotations that Cornerstone's adapters make of a structured report, and
// the numbers that dcmjs reads beside them, by the group's tracking identifier.
import fs from 'fs';
import { data } from 'dcmjs';
import { Cornerstone3DSR } from '@cornerstonejs/adapters/cornerstone3D';

const { DicomMessage, DicomMetaDictionary } = data;
const file = fs.readFileSync(process.argv[2]);
const { dict } = DicomMessage.readFile(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const report = DicomMetaDictionary.naturalizeDataset(dict);

const one = sequence => (Array.isArray(sequence) ? sequence[0] : sequence);
const all = sequence => (Array.isArray(sequence) ? sequence : [sequence]);
const named = (items, meaning) => all(items).filter(i => one(i.ConceptNameCodeSequence)?.CodeMeaning === meaning);

const numbers = {};
for (const part of named(report.ContentSequence, 'Imaging Measurements')) {
  for (const group of named(part.ContentSequence, 'Measurement Group')) {
    const uid = named(group.ContentSequence, 'Tracking Unique Identifier')[0].UID;
    const first = all(group.ContentSequence).find(i => i.ValueType === 'NUM');
    const measured = first && one(first.MeasuredValueSequence);
    if (measured) {
      numbers[uid] = { value: Number(measured.NumericValue), unit: one(measured.MeasurementUnitsCodeSequence).CodeValue };
    }
  }
}

const state = Cornerstone3DSR.MeasurementReport.generateToolState(report, {}, { get: () => undefined });
const annotations = [];
for (const [tool, measurements] of Object.entries(state)) {
  for (const m of measurements) {
    annotations.push({
      tool,
      uid: m.TrackingUniqueIdentifier,
      sites: m.findingSites.map(s => s.CodeMeaning),
      points: m.annotation.data.handles.points,
      frame: m.annotation.metadata.FrameOfReferenceUID,
      ...numbers[m.TrackingUniqueIdentifier],
    });
  }
}
fs.writeSync(1, JSON.stringify(annotations));
