// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

// MostSure bounds the probability of names.
const MostSure = mostSure
