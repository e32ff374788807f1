// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package detect finds vertebral bodies on a lateral radiograph, names them and places
// their six points.
//
// A first network sees the whole film and tells along which line bodies lie, which way the
// spine runs and faces there and which level each place looks like. A second one sees squares
// along that line, upright, and tells of the points of the body nearest to the middle a
// distribution each: mean and standard deviation. Where those are sharp there is a body. The
// best row of them is chosen by dynamic programming, grown at both ends from body to body,
// and named by all of its bodies together. A reader's seeds name the row; where it lacks
// them, package outline finds the bodies from the seeds by their edges, and the second
// network reads their points.
//
// Both networks learnt from rendered films alone.
package detect
