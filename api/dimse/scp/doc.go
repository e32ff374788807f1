// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package scp is the server's side of DIMSE: C-ECHO, C-STORE and storage commitment.
//
// An instance goes from the connection straight into the store, by the door that all
// transports share. What is stored is the data set as it came behind a head of file
// meta information that depends on nothing but the SOP class, the SOP instance and
// the transfer syntax, so that an instance that comes again is the same again.
//
// What a peer may hold is bounded: associations in all and of one address, and
// connections that have not asked for one, of which the oldest makes room for the
// newest. A peer that is given a slot must move or lose it.
package scp
