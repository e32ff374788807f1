// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package cohort makes the tables of many studies: a row a vertebra, a row a
// compared vertebra, and what failed, as CSV and as Parquet, with a page that sums
// them up.
//
// A Study is what is kept of one study once it is measured. An Index takes in
// the studies one after another and puts them in order: who belongs together, what
// was before what. Tables are then written row by row, so that no more than a study
// is held at a time.
package cohort
