// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package outline finds the endplates and walls of vertebral bodies on a lateral film, from
// the centres of two or more of them that are known.
//
// In: a film and the seeds, with their levels. Out: for each body between the seeds, and
// beside them as far as the film shows them, six points and the lines of the endplates, with
// standard deviations.
//
// The method: the film is straightened along a curve through the centres. Dynamic
// programming lays a chain of endplates, each with a tilt, on the edges across the curve,
// under a prior of heights, discs and tilts by level; then a chain of anterior and posterior
// walls on the edges along it. The curve follows what was found, and all is done again.
// Last, each endplate is traced on the film itself as the smoothest line on its edge: where
// a tilted endplate has two contours, it runs between them.
//
// # Limits
//
// The bodies' brightness must differ from the discs' and from what lies before them. An
// endplate is where brightness changes most: of a deep one, the rims count for as much as
// the floor. What is said of accuracy was measured on rendered films; see the tests.
package outline
