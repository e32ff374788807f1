// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/internal/fault"
)

// StoredSeries is one measured stack of a series, with all that corrections,
// pictures and comparisons need of it.
type StoredSeries struct {
	Stack  int // which of the catalog's stacks it is
	About  comparison.About
	Result *analysis.Result
}

// Examination returns it as reports hold it.
func (s *StoredSeries) Examination() report.Examination {
	return report.Examination{
		StudyInstanceUID:    s.About.StudyInstanceUID,
		SeriesInstanceUID:   s.About.SeriesInstanceUID,
		FrameOfReferenceUID: s.About.FrameOfReferenceUID,
		Modality:            s.About.Modality,
		Result:              s.Result,
	}
}

// Stored is the stored form of the measured stacks of a series, in the order of the
// report.
type Stored struct {
	Results []byte // analysis.EncodeResult of each, each after its length
	About   []byte // JSON
}

// storedAbout is what Stored.About holds of one stack.
type storedAbout struct {
	Stack int
	About comparison.About
}

// Encode returns the stored form.
func Encode(series []StoredSeries) (Stored, error) {
	var results bytes.Buffer
	abouts := make([]storedAbout, len(series))
	for i, s := range series {
		var one bytes.Buffer
		if err := analysis.EncodeResult(&one, s.Result); err != nil {
			return Stored{}, err
		}
		results.Write(binary.AppendUvarint(nil, uint64(one.Len())))
		results.Write(one.Bytes())
		abouts[i] = storedAbout{s.Stack, s.About}
	}
	about, err := json.Marshal(abouts)
	return Stored{results.Bytes(), about}, err
}

var errStored = errors.New("there are other results than examinations")

// Decode reads the stored form. It fails with [fault.Corrupt].
func (s Stored) Decode() ([]StoredSeries, error) {
	series, err := s.decode()
	if err != nil {
		return nil, fault.Wrap(err, fault.Corrupt, fault.StoredDataCorrupt, "the stored results cannot be read")
	}
	return series, nil
}

func (s Stored) decode() ([]StoredSeries, error) {
	var abouts []storedAbout
	if err := json.Unmarshal(s.About, &abouts); err != nil {
		return nil, fmt.Errorf("stored examinations: %w", err)
	}
	series := make([]StoredSeries, len(abouts))
	rest := s.Results
	for i, a := range abouts {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return nil, errStored
		}
		result, err := analysis.DecodeResult(bytes.NewReader(rest[n : n+int(size)]))
		if err != nil {
			return nil, err
		}
		series[i] = StoredSeries{a.Stack, a.About, result}
		rest = rest[n+int(size):]
	}
	if len(rest) > 0 {
		return nil, errStored
	}
	return series, nil
}
