// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package deidentify removes from a DICOM instance what tells whose it is: the
// Basic Application Level Confidentiality Profile of DICOM PS3.15 annex E, with
// the options to retain longitudinal temporal information, patient
// characteristics, device identity and safe private attributes, and to clean
// descriptors.
//
// An instance goes in and an instance comes out, in the same transfer syntax, with
// the bytes of its pixel data unchanged. What identifies is replaced by keyed
// derivation: whoever holds the secret gets the same UIDs and the same PatientID
// for the same instance, so references among instances, series of one study and
// examinations of one patient stay together; without the secret they cannot be
// traced back. An instance that the same Profile made is recognized and comes out
// as it went in.
//
// # Beyond the profile
//
// Attributes that the table does not list are kept only if the data dictionary
// knows them, and if their VR holds no free text, name, address or date. What is
// written in another kind of VR than the dictionary has is removed, and so is a
// number that is none. Group lengths, the preamble and everything behind the pixel
// data are dropped.
//
// # Limits
//
// Pixels are not looked at. Instances that say that they have burned in text, and
// secondary captures that do not say that they have none, are refused; others that
// are known for it are flagged. Comments in compressed pixel streams and the face
// in a CT of the head stay. Structured reports, documents, presentation states and
// waveforms are refused: their content is free text. Sequences that the profile
// would fill with dummies are emptied.
//
// References: DICOM PS3.15 annex E; PS3.3 C.7.1.1 and C.12.1; PS3.16 CID 7050.
package deidentify
