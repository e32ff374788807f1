// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package detect finds vertebral bodies on a lateral radiograph, names them and places
// their six points.
//
// A network sees the whole film and tells where centres may lie, which way the spine runs
// and faces there and which level each looks like; a chain of bodies is chosen from that by
// dynamic programming, and named by all of its bodies together. A second network sees each
// body upright and tells of its points a distribution: mean and standard deviation. A
// reader's seeds name the chain; where it lacks them, package outline finds the bodies from
// the seeds.
//
// Both networks learnt from rendered films alone.
package detect
