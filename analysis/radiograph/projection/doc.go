// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package projection renders radiographs of CT volumes: what a point source, a patient
// and a flat detector make of each other, and where exactly points of the patient come
// to lie on the film.
//
// [NewBody] prepares a volume, [Body.Paths] integrates its density along the rays of a
// [Geometry], and [Technique.Expose] makes exposures of the paths and stored values of
// those: attenuation of one photon energy, scatter, quantum noise, blur of focal spot
// and detector, collimation, markers, the lines of a grid, a response curve.
//
// # Limits
//
// One energy: no beam hardening, no anode heel. Attenuation follows the CT number alone,
// so that bone is a little fainter than on a film, whose energy is lower than the CT's.
// Scatter is a blurred part of the primary radiation and not transported. A film can show
// no more than the volume does: a plate of 0.5 mm in voxels of 2 mm is as soft as there.
//
// References: Hubbell and Seltzer, NISTIR 5632 (attenuation of water); IEC 62220-1
// (quanta of a beam); DICOM PS3.3 C.8.11 (what the values mean).
package projection
