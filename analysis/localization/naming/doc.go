// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package naming finds which level each vertebra of an unnamed chain is.
//
// In comes a canonical CT volume and the chain that localization found in it;
// out comes a name for each vertebra with its probability and its runner-up.
//
// A hypothesis is a column (how many vertebrae have ribs, how many are lumbar)
// and the place of the chain in it. Its posterior comes from all cues together:
// how far bone reaches sideways from each vertebra (rib, transverse process or
// neither), the first sacral segment and the breadth of its alae, lung beside
// the vertebra, the iliac crests, and the distances and inclinations of
// neighbouring vertebrae with the statistics of some 1,900 named spines
// (table.go). Cues that share their causes of error are tempered, and those
// that only rank neighbouring names are bounded, so that without an anchor (a
// transition between regions that is seen) the names stay a guess and say so.
//
// Limits: a chain that shows none of the first rib, the last rib and the sacrum
// cannot be named with confidence, nor can a purely cervical one. Names above
// and below a transitional vertebra follow the count of ribs, not the nerve
// roots.
package naming
