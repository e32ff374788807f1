// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package jobs does the service's work: it analyses series, by itself once they have
// received nothing more for a while, compares analyses, makes DICOM objects of results
// and sends them to archives, and cleans up.
//
// # Once
//
// A job is queued in the transaction that gives rise to it, and done in the one that
// stores what it made: results, state and the job's end are committed together or
// not at all. A job that cannot be done yet or must be done again gives way to a new
// one in the same way. Two fences keep a worker that was taken for dead from
// writing when it comes back: the number of the attempt and the job's, both in the
// analysis. So an accepted analysis ends once, whatever dies at whatever moment.
//
// # What ends an analysis
//
// That a series cannot be read, or shows no vertebra, is a result. An analysis has
// FAILED where trying again cannot help, such as when stored bytes have changed. A
// child process that crashes, or goes beyond its memory or its time, is tried again
// after a while, and the third time the analysis is PARKED. Where the database or
// the blobs do not answer, it waits for them.
//
// A worker that dies loses its jobs to the others some 20 s after its last
// heartbeat, by the database's clock; on SQLite, where a process is alone on its
// database, it finds them when it starts. One that is told to end leases no more,
// lets what it does finish for a while, and gives back what does not.
//
// # Out of the service
//
// The objects of a revision are asked for in the transaction that adds it, made by a
// child, and stored in one transaction with a row of the outbox for each destination. A
// delivery names the job that makes it, which a next attempt and a retry by hand replace
// by another; it is made until the destination acknowledges, or says that it has the
// object, or the time for it is over. Between an acknowledgement and its record a worker
// may die: the object is sent again, under the same UID.
//
// # River
//
// The queue is River's, on the same database. On PostgreSQL through database/sql it
// polls. Its driver for SQLite is, by its own words, in early testing with minimal
// use in the real world, works row by row, and wants a pool of one connection, which
// the store's pool for writing is. Little is asked of it here: a job is fetched,
// snoozed, and set to completed or cancelled; uniqueness of analyses, attempts,
// retries and recovery are our own, and the tests of this package, which kill workers
// at random moments, run on both databases. Leader election, and with it scheduled
// and periodic jobs, works on both; on SQLite a leader that died would be waited for
// some 15 s, so its row is removed at the start. The leader looks every 5 s for
// scheduled jobs: a series is analysed, and a crashed one again, that much later.
package jobs
