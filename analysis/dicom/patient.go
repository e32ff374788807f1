// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Patient tells patients apart without naming them: digests of what the headers
// say, empty where they say nothing. They are pseudonyms, not anonymous: who
// knows an identifier can compute its digest.
type Patient struct {
	ID     string // of PatientID
	Issuer string // of IssuerOfPatientID
	Traits string // of PatientBirthDate and PatientSex, where both are known
}

// How much of a digest is kept, bytes. That of birth date and sex is short, so that
// several of the some 10^5 possible values share each.
const (
	idDigest     = 8
	traitsDigest = 2
)

func patientOf(r record) Patient {
	p := Patient{
		ID:     digest(idDigest, "PatientID", r.text(tag.PatientID)),
		Issuer: digest(idDigest, "IssuerOfPatientID", r.text(tag.IssuerOfPatientID)),
	}
	born, sex := r.text(tag.PatientBirthDate), r.text(tag.PatientSex)
	if strings.TrimSpace(born) != "" && strings.TrimSpace(sex) != "" {
		p.Traits = digest(traitsDigest, "PatientBirthDate", born+`\`+sex)
	}
	return p
}

// digest returns the first n bytes of the SHA-256 of an attribute's value in
// hexadecimal; empty for an empty value.
func digest(n int, keyword, value string) string {
	value = strings.ToUpper(strings.TrimSpace(value))
	if value == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(keyword + "\x00" + value))
	return hex.EncodeToString(sum[:n])
}

// dateTimeOf joins a date and a time to a DT; empty without the date.
func dateTimeOf(r record, date, time tag.Tag) string {
	if d := r.text(date); d != "" {
		return d + r.text(time)
	}
	return ""
}
