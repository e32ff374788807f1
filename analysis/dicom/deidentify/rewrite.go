// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/finding"
)

// Groups that are treated by number. PS3.5 7.6 and 7.8.
const (
	firstPrivate       = 0x0009
	curveGroups        = 0x5000
	overlayGroups      = 0x6000
	firstOfData        = 0x0008
	overlayBitPosition = 0x0102
)

// lengthToEnd is a retired attribute that would be wrong afterwards.
var lengthToEnd = tag.Tag{Group: 0x0008, Element: 0x0001}

// extra is about what the attributes that are added take, bytes.
const extra = 1024

// rewriter writes the data set of one instance anew.
type rewriter struct {
	*Profile
	*survey
	key  *keyed
	w    *element.Walker // over the data set, all of which is there
	days int             // by which dates are moved back
	out  []byte
	seal int // offset of the seal's digits in out
}

// dataset writes the whole, with the attributes that tell of the de-identification.
func (r *rewriter) dataset() error {
	added := r.added()
	var current tag.Tag
	_, err := r.elements(r.start, scope{end: r.end, implicit: r.w.Implicit}, func(t tag.Tag) {
		current = t
		for len(added) > 0 && added[0].tag.Compare(t) < 0 {
			added[0].put()
			added = added[1:]
		}
	})
	for _, a := range added {
		a.put()
	}
	if err != nil {
		return broken(err, "in", current)
	}
	return nil
}

// addition is an attribute that is added.
type addition struct {
	tag tag.Tag
	put func()
}

// added returns the attributes that are added, in order. PS3.15 E.1.1.
func (r *rewriter) added() []addition {
	return []addition{
		{tag.PatientIdentityRemoved, func() { r.text(tag.PatientIdentityRemoved, "CS", "YES") }},
		{tag.DeidentificationMethod, func() {
			r.text(tag.DeidentificationMethod, "LO", methodText+fmt.Sprintf("%0*d", sealLength, 0))
			const padding = len(methodText) % 2
			r.seal = len(r.out) - sealLength - padding
		}},
		{tag.DeidentificationMethodCodeSequence, r.methodCodes},
		{tag.LongitudinalTemporalInformationModified, func() {
			values := [...]string{RemoveDates: "REMOVED", ShiftDates: "MODIFIED", KeepDates: "UNMODIFIED"}
			r.text(tag.LongitudinalTemporalInformationModified, "CS", values[r.opt.Dates])
		}},
	}
}

// code is a coded concept of DCM.
type code struct{ value, meaning string }

// methods returns the codes of the profile and its options. PS3.16 CID 7050.
func (p *Profile) methods() []code {
	codes := []code{{"113100", "Basic Application Confidentiality Profile"}}
	if len(p.words) > 0 {
		codes = append(codes, code{"113105", "Clean Descriptors Option"})
	}
	switch p.opt.Dates {
	case KeepDates:
		codes = append(codes, code{"113106", "Retain Longitudinal Temporal Information Full Dates Option"})
	case ShiftDates:
		codes = append(codes, code{"113107", "Retain Longitudinal Temporal Information Modified Dates Option"})
	}
	if p.opt.PatientCharacteristics {
		codes = append(codes, code{"113108", "Retain Patient Characteristics Option"})
	}
	if p.opt.DeviceIdentity {
		codes = append(codes, code{"113109", "Retain Device Identity Option"})
	}
	if len(p.private) > 0 {
		codes = append(codes, code{"113111", "Retain Safe Private Option"})
	}
	return codes
}

func (r *rewriter) methodCodes() {
	r.sequence(tag.DeidentificationMethodCodeSequence, func() {
		for _, c := range r.methods() {
			r.item(func() {
				r.text(tag.CodeValue, "SH", c.value)
				r.text(tag.CodingSchemeDesignator, "SH", "DCM")
				r.text(tag.CodeMeaning, "LO", c.meaning)
			})
		}
	})
}

// scope is where the elements of a data set or an item end, and how they are
// written.
type scope struct {
	end       int
	delimited bool // an item delimiter ends them before end
	implicit  bool
	depth     int
}

// elements writes the elements from p on and returns where they end: at the end or
// at the delimiter of their item. It calls before, if not nil, with the tag of each.
func (r *rewriter) elements(p int, in scope, before func(tag.Tag)) (int, error) {
	creators := map[uint32]string{}
	for in.delimited || p < in.end {
		h, err := r.w.Header(p, in.end, in.implicit)
		if err != nil {
			return p, err
		}
		if in.delimited && h.Tag == tag.ItemDelimitationItem {
			return p, nil
		}
		if before != nil {
			before(h.Tag)
		}
		if p, err = r.element(p, h, in, creators); err != nil {
			return p, err
		}
	}
	return p, nil
}

// element writes what becomes of the element of header h at p and returns where
// it ends.
func (r *rewriter) element(p int, h element.Header, in scope, creators map[uint32]string) (int, error) {
	vr := r.vrOf(h)
	act := r.decide(h, vr, in.depth, creators)
	if vr == "SQ" && act == keep {
		return r.copySequence(h, in)
	}
	next, err := r.w.Skip(h, in.end, in.depth)
	if err != nil || act == remove {
		return next, err
	}
	if h.Length == element.UndefinedLength && act != empty {
		return next, nil // what is no sequence and has no length is not kept
	}
	var old []byte
	if h.Length != element.UndefinedLength {
		old = r.w.B[h.Value:next]
	}
	value := r.replaced(act, vr, h, old)
	if act == keep && len(value) == len(old) {
		r.out = append(r.out, r.w.B[p:next]...)
		return next, nil
	}
	if isShort(h.VR) && len(value) > math.MaxUint16-1 {
		return next, &element.InvalidAttributeError{Keyword: element.Name(h.Tag), Problem: "too many values"}
	}
	r.put(h.Tag, h.VR, in.implicit, value)
	return next, nil
}

// replaced returns what becomes of a value.
func (r *rewriter) replaced(act action, vr string, h element.Header, old []byte) []byte {
	if len(text(old)) == 0 && act != keep {
		return nil
	}
	switch act {
	case keep:
		if wellFormed(vr, old) && countFits(h.Tag, vr, len(old)) {
			return old
		}
	case dummy:
		if h.Tag == tag.ContrastBolusAgent && !finding.NamesAgent(text(old)) {
			return []byte("NONE")
		}
		return dummyOf(vr, h.Length)
	case newUID:
		return eachOf(old, r.key.uid)
	case newID:
		return []byte(r.key.patientID(noted(old), r.issuer))
	case keepWords:
		return r.cleaned(old)
	case newDate:
		return r.date(vr, old)
	}
	return nil
}

// date returns what becomes of a date or time that may stay.
func (r *rewriter) date(vr string, old []byte) []byte {
	if vr == "SH" {
		vr = "DT" // TimezoneOffsetFromUTC
	} else if r.opt.Dates == ShiftDates && vr != "TM" {
		old = shifted(old, r.days)
	}
	if !wellFormed(vr, old) {
		return nil
	}
	return old
}

// decide returns the action for an element. Group lengths, which would be wrong
// afterwards, and pixel data in items go.
func (r *rewriter) decide(h element.Header, vr string, depth int, creators map[uint32]string) action {
	t := h.Tag
	switch {
	case t.Group%2 == 1:
		return r.privateAction(h, creators)
	case t.Group < firstOfData, t.Element == 0, t == lengthToEnd, t.Group&0xFF00 == curveGroups, t.Group&0xFF00 == overlayGroups, isPixels(t) && depth > 0:
		return remove
	case isAdded(t):
		return remove
	case h.VR == "UN" && vr == "SQ" && r.w.Order == binary.BigEndian:
		return remove // its content is little endian
	}
	act := r.unlisted(t, vr)
	rule, listed := table()[t]
	if listed {
		act = r.resolve(t, rule, vr)
	}
	switch act {
	case keep, keepWords, newDate:
		if !agree(h.VR, t) {
			return remove
		}
	case dummy, newUID, newID:
		if vr == "SQ" {
			return remove
		}
	}
	return act
}

// isAdded reports whether an attribute is among those that are added.
func isAdded(t tag.Tag) bool {
	switch t {
	case tag.PatientIdentityRemoved, tag.DeidentificationMethod, tag.DeidentificationMethodCodeSequence, tag.LongitudinalTemporalInformationModified:
		return true
	}
	return false
}

// privateAction keeps the safe private attributes, and the elements that name
// their creators. PS3.5 7.8.1.
func (r *rewriter) privateAction(h element.Header, creators map[uint32]string) action {
	const lastCreator = 0xFF
	t := h.Tag
	block := uint32(t.Group)<<16 | uint32(t.Element>>8)
	switch {
	case len(r.private) == 0, h.Length == element.UndefinedLength, h.VR == "SQ", h.VR == "UN":
		return remove
	case t.Element >= 0x10 && t.Element <= lastCreator:
		creator := text(r.w.B[h.Value : h.Value+int(h.Length)])
		for a := range r.private {
			if a.Group == t.Group && a.Creator == creator {
				creators[uint32(t.Group)<<16|uint32(t.Element)] = creator
				return keep
			}
		}
	case r.private[PrivateAttribute{Group: t.Group, Creator: creators[block], Element: uint8(t.Element)}]:
		return keep
	}
	return remove
}

// vrOf returns the VR by which an element is treated: that of the dictionary where
// the content does not say, "" if neither does.
func (r *rewriter) vrOf(h element.Header) string {
	known := knownVRs(h.Tag)
	switch {
	case h.VR != "" && h.VR != "UN":
		return h.VR
	case len(known) > 0:
		return known[0]
	case h.VR == "UN" && h.Length == element.UndefinedLength:
		return "SQ"
	case table()[h.Tag].action == "U":
		return "UI"
	}
	return ""
}

// knownVRs returns the VRs that the dictionary has for an attribute.
func knownVRs(t tag.Tag) []string {
	info, err := tag.Find(t)
	if err != nil {
		return nil
	}
	return info.VRs
}

// agree reports whether the value of an attribute that is written in a VR may be
// kept: the attribute must be known, and the VR be of the kind that it has.
func agree(vr string, t tag.Tag) bool {
	known := knownVRs(t)
	if len(known) == 0 {
		return false
	}
	if vr == "" || vr == "UN" || slices.Contains(known, vr) {
		return true
	}
	return slices.ContainsFunc(known, func(k string) bool { return kindOf(k) != 0 && kindOf(k) == kindOf(vr) })
}

// countFits reports whether so many bytes can be the numbers of an attribute.
func countFits(t tag.Tag, vr string, length int) bool {
	size := numberSize(vr)
	if size == 0 {
		return true
	}
	info, err := tag.Find(t)
	if err != nil {
		return length%size == 0
	}
	if n, err := strconv.Atoi(info.VM); err == nil {
		return length == 0 || length == n*size
	}
	return length%size == 0
}

// numberSize returns the size of one binary number of a VR, 0 for others.
func numberSize(vr string) int {
	switch vr {
	case "SS", "US":
		return 2
	case "AT", "FL", "SL", "UL":
		return 4
	case "FD", "SV", "UV":
		return 8
	}
	return 0
}

// kindOf tells VRs apart that are mistaken for each other without harm.
func kindOf(vr string) int {
	switch vr {
	case "CS", "LO", "SH":
		return 1
	case "DS", "IS":
		return 2
	case "US", "SS":
		return 3
	case "OB", "OW":
		return 4
	}
	return 0
}
