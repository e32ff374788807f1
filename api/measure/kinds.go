// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"errors"
	"slices"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/pdf"
	"github.com/endplate/endplate/analysis/dicom/sc"
	"github.com/endplate/endplate/analysis/dicom/seg"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/volume"
)

// resultKind is a kind of DICOM objects that tell of a result.
type resultKind struct {
	name   string
	kind   dicom.Kind
	pixels bool // the volume is needed, which takes time to read
	derive func(dicom.Provenance) Deriver
}

// kinds are the kinds of objects, in the order in which they are made.
var kinds = []resultKind{
	{"sr", sr.Measurements, false, ofResult(sr.Report)},
	{"seg", seg.Object, false, ofResult(seg.New)},
	{"sc", sc.Object, true, func(by dicom.Provenance) Deriver {
		return func(o *dicom.Origin, vol *volume.Volume, r *analysis.Result) ([]*dataset.Dataset, error) {
			return sc.KeyImages(o, vol, r, by)
		}
	}},
	{"pdf", pdf.Object, true, func(by dicom.Provenance) Deriver {
		return func(o *dicom.Origin, vol *volume.Volume, r *analysis.Result) ([]*dataset.Dataset, error) {
			d, err := pdf.Report(o, vol, r, by)
			return []*dataset.Dataset{d}, err
		}
	}},
}

// nothing reports whether there is nothing of which an object of a kind could tell.
func nothing(err error) bool {
	return errors.Is(err, seg.ErrNothing) || errors.Is(err, sc.ErrNothing) || errors.Is(err, sr.ErrNothing)
}

// ofResult makes one object of what was measured, without the volume.
func ofResult(write func(*dicom.Origin, *analysis.Result, dicom.Provenance) (*dataset.Dataset, error)) func(dicom.Provenance) Deriver {
	return func(by dicom.Provenance) Deriver {
		return func(o *dicom.Origin, _ *volume.Volume, r *analysis.Result) ([]*dataset.Dataset, error) {
			d, err := write(o, r, by)
			return []*dataset.Dataset{d}, err
		}
	}
}

// Kinds returns the kinds of objects that can be made.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Objects returns the kinds of objects as DICOM has them: those of Kinds in their order,
// and the reports of comparisons.
func Objects() []dicom.Kind {
	objects := make([]dicom.Kind, len(kinds))
	for i, k := range kinds {
		objects[i] = k.kind
	}
	return append(objects, sr.Comparisons)
}

// DeriverOf returns what makes the objects of a kind; nil if there is no such kind.
func DeriverOf(kind string, by dicom.Provenance) Deriver {
	i := slices.IndexFunc(kinds, func(k resultKind) bool { return k.name == kind })
	if i < 0 {
		return nil
	}
	return kinds[i].derive(by)
}
