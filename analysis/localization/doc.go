// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package localization finds the spine in a CT: the canal, and the chain of
// vertebrae along it.
//
// It takes a canonical volume (volume.Volume.Canonical). FindCanal averages it
// to about 2 mm, scores each soft-tissue voxel by how much of its surroundings
// in the slice is bone at a canal wall's distance, and takes the path of the
// greatest sum of scores, which may start and end anywhere, or the one behind it
// where vessels full of contrast agent enclose tissue before the bodies. Straighten
// resamples the volume in the cross-sections of the canal's smoothed line.
// FindVertebrae reads two signals along it that have one period a vertebra,
// pairs of bright endplates about a darker gap and the pedicles and foramina
// beside the canal, and takes the best chain of bodies and discs by dynamic
// programming over the place of an endplate and the height of the body above it
// before any fracture. Find does all three.
//
// # Limits
//
// Where the canal leans by more than some 60° against the slices' normal it is
// lost. A body crushed between discs that are not clear is merged with its
// neighbour, and so are two crushed ones whose pedicles would meet. An endplate
// alone, whose disc's other one lies outside the volume, counts only with a slice of
// disc beyond it, and for a crushed body only with 5 mm left of it. Truncated says
// what is surely cut: within some 4 mm of the volume's border the outlined endplates
// tell (segmentation).
// C2 is reported as cut, since it has no superior endplate; C1 and the skull are
// left out. Contrast agent in the canal hides it.
package localization
