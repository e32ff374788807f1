// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
)

// Correction is one thing that a reader changes: one of the types below. A vertebra
// is named by the level that it has after the corrections before it in the list.
type Correction interface {
	apply(c *corrector) *CorrectionError
}

// MoveLandmark moves a point of a vertebra. A move to within a micrometre of where it
// stands is none: the point stays as it was measured.
type MoveLandmark struct {
	Level    spine.Level
	Point    landmark.Name
	Position r3.Vec                 // LPS mm
	OnFilm   *radiograph.ImagePoint // in the place of Position; of a film
}

// RenameLevel gives a vertebra another name, which is then sure; it may be the one
// that it has. The others keep theirs, or follow as naming.Follow says.
type RenameLevel struct {
	From, To     spine.Level
	OthersFollow bool
}

// AddVertebra adds a vertebra that was not found, or gives one that was found and not
// measured its six points, by landmark.Name.
type AddVertebra struct {
	Level     spine.Level
	Landmarks [landmark.NumPoints]r3.Vec                 // LPS mm
	OnFilm    *[landmark.NumPoints]radiograph.ImagePoint // in the place of Landmarks; of a film
}

// RemoveVertebra removes what is no vertebra.
type RemoveVertebra struct{ Level spine.Level }

// MarkMeasurable says that a vertebra is not measurable, and why, or that one is
// after all whose points were set aside.
type MarkMeasurable struct {
	Level      spine.Level
	Measurable bool
	Reason     string // why not
}

// JudgeFinding accepts or rejects a finding; a rejection has a reason.
type JudgeFinding struct {
	Code     string
	Levels   []spine.Level
	Accepted bool
	Reason   string
}

// CorrectionError tells of a correction that cannot hold.
type CorrectionError struct {
	Index  int    // of the correction in the list
	Field  string // of it, in snake case, such as "level" or "others_follow"
	Reason phrase.Text
}

func (e *CorrectionError) Error() string {
	return fmt.Sprintf("correction %d: %s: %s", e.Index+1, e.Field, e.Reason)
}

func refuse(field string, reason phrase.Text) *CorrectionError {
	return &CorrectionError{Field: field, Reason: reason}
}

// Correct returns the result that r becomes by a reader's corrections, applied in
// order; r stays as it is. Heights, angles, grades, posterior walls, canals, the band
// of density, descriptions, findings and warnings are told anew from the points and
// from what r keeps of the image. What rests on the image alone stays as measured and
// belongs to the vertebra, not to its name: outlines, attenuation, lesions, cement.
//
// The error is a *CorrectionError: a vertebra or a finding that is not there, a name
// that is taken or fits no spine, points that no body can have.
func Correct(r *Result, corrections []Correction) (*Result, error) {
	c := newCorrector(r)
	for i, correction := range corrections {
		c.index = i
		if err := correction.apply(c); err != nil {
			err.Index = i
			return nil, err
		}
	}
	if err := c.restate(); err != nil {
		return nil, err
	}
	return c.r, nil
}

func (m MoveLandmark) apply(c *corrector) *CorrectionError {
	i, err := c.find("level", m.Level)
	if err != nil {
		return err
	}
	v := &c.r.Vertebrae[i]
	switch {
	case m.Point >= landmark.NumPoints:
		return refuse("point", phrase.Of("there is no point %d", int(m.Point)))
	case v.Landmarks == nil:
		return refuse("level", phrase.Of("%s has no points: it was not measured", m.Level))
	case !v.Landmarks.Endplate(m.Point.Endplate()).Found():
		return refuse("point", phrase.Of("%s has no %s endplate", m.Level, m.Point.Endplate().Text()))
	}
	to, err := c.locate("position", m.Position, m.OnFilm)
	if err != nil {
		return err
	}
	if reason := farFrom(v.Center, v.Landmarks.LeftAxis, to); reason != "" {
		return refuse("position", reason)
	}
	if r3.Norm(r3.Sub(to, v.Landmarks.Point(m.Point).Position)) <= noMove {
		return nil
	}
	if v.Reader.Measured == nil && !v.Reader.Added {
		v.Reader.Measured = v.Landmarks
	}
	v.Landmarks = v.Landmarks.Moved(v.Reader.Measured, m.Point, to)
	c.touch(i, "position")
	return nil
}

func (m RenameLevel) apply(c *corrector) *CorrectionError {
	i, err := c.find("from", m.From)
	if err != nil {
		return err
	}
	if !isVertebra(m.To) {
		return refuse("to", "no vertebra")
	}
	if m.OthersFollow {
		if err := c.follow(i, m.To); err != nil {
			return err
		}
	} else if err := c.rename(i, m.To); err != nil {
		return err
	}
	c.r.Vertebrae[i].Reader.Named = true
	return nil
}

func (a AddVertebra) apply(c *corrector) *CorrectionError {
	if !isVertebra(a.Level) || a.Level == spine.S1 {
		return refuse("level", "no vertebra with six points")
	}
	at, err := c.locateAll(a)
	if err != nil {
		return err
	}
	for _, p := range at {
		if !isFinite(p) {
			return refuse("landmarks", "a position is not finite")
		}
	}
	points := landmark.FromPoints(at)
	for n, p := range at {
		if reason := farFrom(points.Center, points.LeftAxis, p); reason != "" {
			return refuse("landmarks", phrase.Of("%s: %s", landmark.Name(n).Text(), reason))
		}
	}
	i := c.indexOf(a.Level)
	if i < 0 {
		if i, err = c.insert(a.Level, points); err != nil {
			return err
		}
	} else if err := c.place(i, points); err != nil {
		return err
	}
	c.touch(i, "landmarks")
	return nil
}

func (m RemoveVertebra) apply(c *corrector) *CorrectionError {
	i, err := c.find("level", m.Level)
	if err != nil {
		return err
	}
	c.remove(i)
	return nil
}

func (m MarkMeasurable) apply(c *corrector) *CorrectionError {
	i, err := c.find("level", m.Level)
	if err != nil {
		return err
	}
	v := &c.r.Vertebrae[i]
	switch {
	case m.Measurable && v.Status == Measured:
		return refuse("measurable", phrase.Of("%s is measured", m.Level))
	case m.Measurable && (v.Level == spine.S1 || v.Withdrawn == nil || v.Withdrawn.Landmarks == nil):
		return refuse("measurable", phrase.Of("%s has no points: add them", m.Level))
	case !m.Measurable && v.Status != Measured:
		return refuse("measurable", phrase.Of("%s is not measured", m.Level))
	}
	if m.Measurable {
		w := v.Withdrawn
		v.Status, v.Reason, v.Landmarks, v.Tissue, v.Withdrawn = Measured, w.Reason, w.Landmarks, w.Tissue, nil
		c.touch(i, "measurable")
	} else {
		if reason := unsaid(m.Reason); reason != "" {
			return refuse("reason", reason)
		}
		v.withdraw(phrase.Of("%s", m.Reason))
		c.untouch(i)
	}
	v.Reader.Status = true
	c.stale = true
	return nil
}

func (j JudgeFinding) apply(c *corrector) *CorrectionError {
	if err := c.restate(); err != nil {
		return err
	}
	k := c.finding(j.Code, j.Levels)
	if k < 0 {
		return refuse("code", "there is no such finding of these levels")
	}
	f := &c.r.Findings[k]
	if j.Reason != "" || !j.Accepted {
		if reason := unsaid(j.Reason); reason != "" {
			return refuse("reason", reason)
		}
	}
	f.Verdict, f.VerdictReason = finding.Rejected, j.Reason
	if j.Accepted {
		f.Verdict = finding.Accepted
	}
	return nil
}
