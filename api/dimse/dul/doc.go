// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package dul is the DICOM Upper Layer: its PDUs, and its service over a connection,
// with the states, events and actions of PS3.8 table 9-10.
//
// P-DATA-TF PDUs are never held. Their fragments are read from the connection as one
// stream, and written as another is read, so that memory depends on no length that a
// peer tells. Other PDUs are small and bounded.
//
// The ARTIM timer is the deadline of the reads, and bounds all states in which the
// peer is waited for to connect, to ask or to close. A peer that holds an association
// without moving is bounded by [Timeouts], which the standard leaves to the user of
// the service: their end is an A-ABORT request.
//
// Reference: DICOM PS3.8 section 9.
package dul
