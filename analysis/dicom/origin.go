// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/volume"
)

// Origin is what an object that is derived from a stack takes over from its images.
// It names the patient: it belongs in objects and in no log.
type Origin struct {
	// Identity holds the attributes of the patient and the study as the first image
	// has them, of those in identityTags the ones that are there and valid. Those of
	// type 2 are there in any case.
	Identity *dataset.Dataset

	StudyInstanceUID           string
	SeriesInstanceUID          string
	FrameOfReferenceUID        string // empty if the images have none
	PositionReferenceIndicator string
	Modality                   string
	Film                       bool // the only image is a radiograph
	// Lossy is what the first image tells of lossy compression; empty or nil where it
	// went through none.
	Lossy *dataset.Dataset

	Geometry volume.Geometry // of the stack
	Images   []OriginImage   // in the order of the slices
}

// OriginImage is one slice: an instance, or a frame of one.
type OriginImage struct {
	Slice
	Position r3.Vec // of the first pixel's centre, LPS mm
}

// identityTags are the attributes of the modules Patient, Clinical Trial Subject,
// General Study, Patient Study, Clinical Trial Study and SOP Common that a derived
// object shares with its images. PS3.3 C.7.1.1, C.7.1.3, C.7.2.1 to C.7.2.3, C.12.1.
var identityTags = []tag.Tag{
	tag.PatientName, tag.PatientID, tag.IssuerOfPatientID, tag.TypeOfPatientID, tag.IssuerOfPatientIDQualifiersSequence,
	tag.PatientBirthDate, tag.PatientBirthTime, tag.PatientSex, tag.QualityControlSubject,
	tag.OtherPatientIDs, tag.OtherPatientIDsSequence, tag.OtherPatientNames, tag.EthnicGroup, tag.PatientComments,
	tag.PatientSpeciesDescription, tag.PatientSpeciesCodeSequence, tag.PatientBreedDescription,
	tag.PatientBreedCodeSequence, tag.BreedRegistrationSequence, tag.ResponsiblePerson, tag.ResponsiblePersonRole,
	tag.ResponsibleOrganization, tag.PatientIdentityRemoved, tag.DeidentificationMethod, tag.DeidentificationMethodCodeSequence,

	tag.ClinicalTrialSponsorName, tag.ClinicalTrialProtocolID, tag.ClinicalTrialProtocolName, tag.ClinicalTrialSiteID,
	tag.ClinicalTrialSiteName, tag.ClinicalTrialSubjectID, tag.ClinicalTrialSubjectReadingID,
	tag.ClinicalTrialTimePointID, tag.ClinicalTrialTimePointDescription,

	tag.StudyInstanceUID, tag.StudyDate, tag.StudyTime, tag.ReferringPhysicianName, tag.ConsultingPhysicianName,
	tag.StudyID, tag.AccessionNumber, tag.IssuerOfAccessionNumberSequence, tag.StudyDescription, tag.PhysiciansOfRecord,
	tag.NameOfPhysiciansReadingStudy, tag.ProcedureCodeSequence, tag.ReferencedStudySequence,

	tag.AdmittingDiagnosesDescription, tag.AdmittingDiagnosesCodeSequence, tag.PatientAge, tag.PatientSize,
	tag.PatientWeight, tag.Occupation, tag.AdditionalPatientHistory, tag.PatientSexNeutered,

	tag.TimezoneOffsetFromUTC, tag.LongitudinalTemporalInformationModified,
}

// seriesTags are read beside identityTags, for the objects in their own right.
var seriesTags = []tag.Tag{tag.PositionReferenceIndicator}

// requiredTags are those of identityTags that are of type 2.
var requiredTags = []struct {
	tag tag.Tag
	vr  string
}{
	{tag.PatientName, "PN"}, {tag.PatientID, "LO"}, {tag.PatientBirthDate, "DA"}, {tag.PatientSex, "CS"},
	{tag.StudyDate, "DA"}, {tag.StudyTime, "TM"}, {tag.ReferringPhysicianName, "PN"}, {tag.StudyID, "SH"}, {tag.AccessionNumber, "SH"},
}

// Origin reads the header of the first image again for what a derived object takes
// over. It fails for images that lack a UID by which to refer to them, and with the
// errors of [ReadHeader].
func (s *Stack) Origin() (*Origin, error) {
	if s.StudyInstanceUID == "" {
		return nil, &MissingAttributeError{Keyword: name(tag.StudyInstanceUID)}
	}
	if s.SeriesInstanceUID == "" {
		return nil, &MissingAttributeError{Keyword: name(tag.SeriesInstanceUID)}
	}
	o := &Origin{
		StudyInstanceUID:    s.StudyInstanceUID,
		SeriesInstanceUID:   s.SeriesInstanceUID,
		FrameOfReferenceUID: s.FrameOfReferenceUID,
		Modality:            s.Modality,
		Geometry:            s.Geometry,
		Images:              make([]OriginImage, len(s.images)),
	}
	for i, m := range s.images {
		o.Images[i] = OriginImage{m.slice(), m.frame().position}
		if o.Images[i].SOPInstanceUID == "" || o.Images[i].SOPClassUID == "" {
			return nil, &MissingAttributeError{Keyword: name(tag.SOPInstanceUID)}
		}
	}
	head, err := s.images[0].in.content.head(func(t tag.Tag) bool {
		return slices.Contains(identityTags, t) || slices.Contains(seriesTags, t) || slices.Contains(lossyTags, t) || t == tag.BitsAllocated
	})
	if err != nil {
		return nil, fmt.Errorf("instance %s: %w", s.Slices[0].SOPInstanceUID, err)
	}
	o.PositionReferenceIndicator = head.Value(tag.PositionReferenceIndicator)
	o.Identity = identityOf(&head.Dataset)
	o.Lossy = lossyOf(&head.Dataset, head.TransferSyntaxUID, o.bytesOfFirst(head.Int(tag.BitsAllocated, 16)), s.images[0].in.content.source.Size)
	return o, nil
}

// bytesOfFirst returns how many bytes the pixels of the first instance take that are not
// compressed.
func (o *Origin) bytesOfFirst(bitsAllocated int) int64 {
	frames := int64(0)
	for _, m := range o.Images {
		if m.SOPInstanceUID == o.Images[0].SOPInstanceUID {
			frames++
		}
	}
	return frames * int64(o.Geometry.Columns) * int64(o.Geometry.Rows) * int64(bitsAllocated) / 8
}

// head reads the elements that are wanted of an instance's header.
func (c content) head(want func(tag.Tag) bool) (*dataset.File, error) {
	rc, err := c.source.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	defer rc.Close()
	return dataset.Read(io.LimitReader(rc, c.source.Size), c.source.Size, dataset.Options{Want: want})
}

// identityOf returns what of a header is the identity. A value that cannot be one of
// its VR is not repeated, unless it identifies: an object must be found under the
// very identifiers of its images.
func identityOf(head *dataset.Dataset) *dataset.Dataset {
	identity := &dataset.Dataset{}
	for _, t := range requiredTags {
		identity.Text(t.tag, t.vr)
	}
	for e := range head.All() {
		identifies := e.VR == "UI" || e.VR == "LO" || e.VR == "SH" || e.VR == "PN"
		if slices.Contains(identityTags, e.Tag) && (identifies || e.Problem() == "") {
			identity.Put(e)
		}
	}
	nameMethod(identity)
	return identity
}

// nameMethod makes sure that an identity which was removed says how, as PS3.3 C.7.1.1
// asks; not all images do.
func nameMethod(identity *dataset.Dataset) {
	if len(identity.Items(tag.DeidentificationMethodCodeSequence)) == 0 {
		identity.Remove(tag.DeidentificationMethodCodeSequence)
		if identity.Value(tag.PatientIdentityRemoved) == "YES" && identity.Value(tag.DeidentificationMethod) == "" {
			identity.Text(tag.DeidentificationMethod, "LO", "not told by the images")
		}
	}
	if identity.Value(tag.DeidentificationMethod) == "" {
		identity.Remove(tag.DeidentificationMethod)
	}
}

// Digest stands for the set of the images: the same for the same ones in whatever
// order they were read.
func (o *Origin) Digest() string {
	names := make([]string, len(o.Images))
	for i, m := range o.Images {
		names[i] = fmt.Sprintf("%s/%d", m.SOPInstanceUID, m.FrameNumber)
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:])
}

// TrackingUID returns the TrackingUID of a part of the patient that parts name, such
// as "L1". It is the same in every study of the patient as PatientID and its issuer
// tell; in this study alone where there is no PatientID.
func (o *Origin) TrackingUID(parts ...string) string {
	patient := o.Identity.Value(tag.PatientID)
	whose := "patient\x00" + patient + "\x00" + o.Identity.Value(tag.IssuerOfPatientID)
	if patient == "" {
		whose = "study\x00" + o.StudyInstanceUID
	}
	return derivedUID("tracking\x00" + whose + "\x00" + strings.Join(parts, "\x00"))
}

// Instances returns the instances that the images are of, each once, in order.
func (o *Origin) Instances() []Slice {
	var all []Slice
	seen := map[string]bool{}
	for _, m := range o.Images {
		if !seen[m.SOPInstanceUID] {
			seen[m.SOPInstanceUID] = true
			all = append(all, Slice{SOPClassUID: m.SOPClassUID, SOPInstanceUID: m.SOPInstanceUID})
		}
	}
	return all
}

// Nearest returns the index of the image in whose plane p, LPS mm, lies or that is
// nearest to it.
func (o *Origin) Nearest(p r3.Vec) int {
	normal := r3.Unit(r3.Cross(o.Geometry.Column, o.Geometry.Row))
	best := func(i int) float64 {
		d := r3.Dot(r3.Sub(p, o.Images[i].Position), normal)
		return d * d
	}
	nearest := 0
	for i := range o.Images {
		if cmp.Less(best(i), best(nearest)) {
			nearest = i
		}
	}
	return nearest
}
