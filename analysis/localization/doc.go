// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package localization finds the spine in a CT: the canal, and the chain of
// vertebrae along it.
package localization
