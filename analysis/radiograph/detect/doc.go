// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package detect finds vertebral bodies on a lateral radiograph, names them and places
// their six points.
//
// A first network sees the whole film and tells along which line bodies lie, which way the
// spine runs and faces there and which level each place looks like. A second one sees squares
// along that line, upright, and tells of the points of the body nearest to the middle a
// distribution each: mean and standard deviation. Where the first is sure and those are sharp
// there is a body. The best row of them is chosen by dynamic programming, grown at both ends
// from body to body, and named by all of its bodies together. Bone that is dark, whatever the header says, makes
// the second network unsure: the film is then read with dark and bright exchanged.
//
// A reader's seeds name the row. Where it does not hold them, as many bodies are looked for
// from one to the next as their levels say; on a film where the first network sees no spine,
// package outline finds them by their edges, and the second network reads their points.
//
// Both networks learnt from rendered films alone.
package detect
