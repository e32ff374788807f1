// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package naming finds which level each vertebra of an unnamed chain is.
//
// In comes a canonical CT volume and the chain that localization found in it;
// out comes a name for each vertebra with its probability and its runner-up.
//
// A hypothesis is a column (how many vertebrae have ribs, how many are lumbar),
// the place of the chain in it, and at most one fault of the chain. Its posterior
// comes from all cues together: how far bone reaches sideways from each vertebra
// (rib, transverse process or neither), the mark of the first sacral segment,
// lung beside the vertebra, and the distances and inclinations of neighbouring
// vertebrae with the statistics of some 1,900 named spines (table.go). Cues that
// share their causes of error are tempered, and geometry is bounded, so that
// without an anchor (the first rib, the last rib or the sacrum in view) the names
// stay a guess and say so.
//
// Limits: C1, C2 and the skull are not looked for, so that a cervical chain
// without the first rib is named by its proportions alone. About a transitional
// vertebra names follow the count of ribs, not the nerve roots. Ribs are followed
// within 99 mm of the canal; a field of view narrower than 80 mm on either side
// hides them.
package naming
