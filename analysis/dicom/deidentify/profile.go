// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// Dates says what becomes of dates and times.
type Dates int

// The choices. Intervals between the examinations of a patient survive all but
// the first.
const (
	// RemoveDates empties or removes them.
	RemoveDates Dates = iota
	// ShiftDates moves dates back by a number of days that is the patient's own
	// and secret, and keeps the time of day.
	ShiftDates
	// KeepDates keeps them.
	KeepDates
)

// Options add to the basic profile. The zero value is the profile itself.
type Options struct {
	Dates Dates

	// PatientCharacteristics retains sex, age, size, weight and the like.
	PatientCharacteristics bool

	// DeviceIdentity retains serial numbers, station names and the like.
	DeviceIdentity bool

	// Words are those that may stay in descriptions, such as SeriesDescription;
	// case does not matter. All other words are cleaned away, and without any,
	// descriptions are removed.
	Words []string

	// SafePrivate are the private attributes that are known to be harmless.
	SafePrivate []PrivateAttribute
}

// PrivateAttribute names a private attribute, such as (0019,xx02) of "GEMS_ACQU_01".
type PrivateAttribute struct {
	Group   uint16
	Creator string
	Element uint8 // the last two digits
}

// MinSecret is the least length of a secret, bytes.
const MinSecret = 16

// Profile de-identifies instances for one site. It can be used by several
// goroutines.
type Profile struct {
	opt     Options
	secret  []byte
	words   map[string]bool
	private map[PrivateAttribute]bool
}

// New makes a profile. The secret must be random and have MinSecret bytes at least;
// who loses it cannot add to examinations sent before.
func New(secret []byte, opt Options) (*Profile, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("secret of %d bytes: want at least %d", len(secret), MinSecret)
	}
	if opt.Dates < RemoveDates || opt.Dates > KeepDates {
		return nil, errors.New("unknown choice of dates")
	}
	p := &Profile{opt: opt, secret: append([]byte(nil), secret...), words: map[string]bool{}, private: map[PrivateAttribute]bool{}}
	for _, w := range opt.Words {
		if w == "" || strings.ContainsFunc(w, notWord) {
			return nil, fmt.Errorf("word %q: want ASCII letters and digits", w)
		}
		p.words[strings.ToUpper(w)] = true
	}
	for _, a := range opt.SafePrivate {
		if a.Group%2 == 0 || a.Group < firstPrivate || a.Creator == "" {
			return nil, fmt.Errorf("private attribute (%04X,xx%02X) of %q cannot be", a.Group, a.Element, a.Creator)
		}
		p.private[a] = true
	}
	return p, nil
}

// UID returns the UID that stands for another. UIDs of the standard itself, which
// name no instance of anyone's, stand for themselves.
func (p *Profile) UID(uid string) string { return p.keyed().uid(uid) }

// isStandard reports whether a UID is one that DICOM assigned. PS3.6 annex A.
func isStandard(uid string) bool {
	return strings.HasPrefix(uid, "1.2.840.10008.") && element.ValidUID(uid) != ""
}

// PatientID returns the pseudonym for a PatientID and its issuer, if any; empty
// for an empty PatientID.
func (p *Profile) PatientID(id, issuer string) string { return p.keyed().patientID(id, issuer) }

// normal makes two ways of writing an identifier one.
func normal(id string) string { return strings.ToUpper(strings.Trim(id, " \x00")) }

// policy tells profiles of different options apart.
func (p *Profile) policy() string { return fmt.Sprintf("%s %+v", edition, p.opt) }

// keyed derives from the secret. It belongs to one goroutine.
type keyed struct {
	mac   hash.Hash
	texts []byte
}

func (p *Profile) keyed() *keyed { return &keyed{mac: hmac.New(sha256.New, p.secret)} }

// derive returns what stands for texts, for one purpose.
func (k *keyed) derive(purpose string, texts ...string) (sum [sha256.Size]byte) {
	k.texts = binary.AppendUvarint(k.texts[:0], uint64(len(purpose)))
	k.texts = append(k.texts, purpose...)
	for _, t := range texts {
		k.texts = binary.AppendUvarint(k.texts, uint64(len(t)))
		k.texts = append(k.texts, t...)
	}
	k.mac.Reset()
	k.mac.Write(k.texts)
	k.mac.Sum(sum[:0])
	return sum
}

func (k *keyed) uid(uid string) string {
	uid = strings.Trim(uid, " \x00")
	if uid == "" || isStandard(uid) {
		return uid
	}
	sum := k.derive("uid", uid)
	return element.UIDOf([16]byte(sum[:16]))
}

func (k *keyed) patientID(id, issuer string) string {
	id, issuer = normal(id), normal(issuer)
	if id == "" {
		return ""
	}
	const length = 10 // bytes; some 10^12 patients share none
	sum := k.derive("patient", id, issuer)
	return "EP" + base32.StdEncoding.EncodeToString(sum[:length])
}

// maxShift bounds by how many days the dates of a patient are moved back: ten years.
const maxShift = 3652

// shift returns by how many days the dates are moved back: those of a patient by
// the same, where the patient has no ID those of a study.
func (k *keyed) shift(id, issuer, study string) int {
	sum := k.derive("patient's days", normal(id), normal(issuer))
	if normal(id) == "" {
		sum = k.derive("study's days", study)
	}
	return 1 + int(binary.BigEndian.Uint64(sum[:8])%maxShift)
}
