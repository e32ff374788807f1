// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package dimse is the DICOM message exchange: associations, negotiated by ACSE over
// the Upper Layer of package dul, and messages, each a command set of group 0000 and
// perhaps a data set, over the associations. Either side may be the requestor of an
// association; services are built on it, as SCP in package scp and as SCU in others.
//
// Data sets are streams in both directions and are never held. Asynchronous operations
// are not negotiated, extended negotiation is not answered, and identities of users
// are not looked at.
//
// Reference: DICOM PS3.7, PS3.8 section 7.
package dimse
