// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package measure measures CT series in files. The commands on files, the batch
// and the service all do it by this package, so that the same files give the same
// result everywhere.
//
// Gather or Sort takes in files, Inputs.Scan reads their headers, Inputs.Series
// lists what can be measured, and Series.Measure reads and measures one of it.
// Request does all of this for the paths that a caller names; Runner has a child
// process do it for the service.
package measure
