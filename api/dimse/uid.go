// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse

import "github.com/suyashkumar/dicom/pkg/uid"

// The SOP classes of services that are not storage, with the instance of those that
// have a well-known one. PS3.4 annexes A, C and J, PS3.6 annex A.
const (
	VerificationSOPClass       = "1.2.840.10008.1.1"
	StorageCommitmentPushModel = "1.2.840.10008.1.20.1"
	StorageCommitmentInstance  = "1.2.840.10008.1.20.1.1"

	PatientRootFind = "1.2.840.10008.5.1.4.1.2.1.1"
	PatientRootMove = "1.2.840.10008.5.1.4.1.2.1.2"
	StudyRootFind   = "1.2.840.10008.5.1.4.1.2.2.1"
	StudyRootMove   = "1.2.840.10008.5.1.4.1.2.2.2"
)

// The transfer syntaxes in which messages of services other than storage come.
// PS3.5 annex A.
const (
	ImplicitVRLittleEndian = "1.2.840.10008.1.2"
	ExplicitVRLittleEndian = "1.2.840.10008.1.2.1"
)

// NameOf returns what PS3.6 calls a UID; Private where it does not know it.
func NameOf(u string) string {
	if info, err := uid.Lookup(u); err == nil {
		return info.Name
	}
	return "Private"
}
