// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/report"
)

var errNoLandmarks = errors.New("the report has no group with the six points of a vertebra")

// errInImages says why the points of a report are not used.
var errInImages = errors.New("its points lie in planes of images (SCOORD); of a CT those in the patient (SCOORD3D) are read")

// readPoints reads the landmarks of a structured report.
func (r *Request) readPoints() ([]sr.Placed, error) {
	if r.Points == "" {
		return nil, nil
	}
	points, err := readPoints(r.Points)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Points, err)
	}
	return points, nil
}

func readPoints(path string) ([]sr.Placed, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.New(Pathless(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, errors.New(Pathless(err))
	}
	groups, err := sr.Read(f, info.Size())
	if err != nil {
		return nil, err
	}
	points, err := sr.Landmarks(groups)
	if err == nil && len(points) == 0 {
		err = errNoLandmarks
		if slices.ContainsFunc(groups, inImages) {
			err = errInImages
		}
	}
	return points, err
}

// inImages reports whether graphics of a group, or of its numbers, lie in images.
func inImages(g sr.Group) bool {
	lies := func(x sr.Graphic) bool { return x.Points != nil }
	return slices.ContainsFunc(g.Graphics, lies) ||
		slices.ContainsFunc(g.Numbers, func(n sr.Number) bool { return slices.ContainsFunc(n.Graphics, lies) })
}

// placed returns a result with the points that a reader placed: those of vertebrae
// that were measured are moved, other vertebrae are added. Points that stand where
// they were measured leave all as it was.
func placed(e *report.Examination, r *analysis.Result, points []sr.Placed) (*analysis.Result, error) {
	if len(points) == 0 {
		return r, nil
	}
	var corrections []analysis.Correction
	for _, p := range points {
		if p.SOPInstanceUID != "" {
			return nil, errInImages
		}
		if p.FrameOfReferenceUID != e.FrameOfReferenceUID {
			return nil, fmt.Errorf("the landmarks of %v are in another frame of reference than the images", p.Level)
		}
		corrections = append(corrections, correctionsOf(r, p)...)
	}
	corrected, err := analysis.Correct(r, corrections)
	if c, ok := errors.AsType[*analysis.CorrectionError](err); ok {
		return nil, fmt.Errorf("the landmarks do not fit the image: %s", c.Reason)
	}
	return corrected, err
}

func correctionsOf(r *analysis.Result, p sr.Placed) []analysis.Correction {
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if v.Level != p.Level || v.Landmarks == nil || !v.Landmarks.Superior.Found() || !v.Landmarks.Inferior.Found() {
			continue
		}
		var moves []analysis.Correction
		for n := range landmark.Name(landmark.NumPoints) {
			moves = append(moves, analysis.MoveLandmark{Level: p.Level, Point: n, Position: p.Points[n]})
		}
		return moves
	}
	return []analysis.Correction{analysis.AddVertebra{Level: p.Level, Landmarks: p.Points}}
}

// errInPatient says why the points of a report are not used on a film.
var errInPatient = errors.New("the landmarks lie in the patient (SCOORD3D); of a film those on it (SCOORD) are read")

// placedOnFilm returns the vertebrae of which a report places the points on a film, behind
// those that the options place.
func placedOnFilm(film string, points []sr.Placed, others []analysis.PlacedOnFilm) ([]analysis.PlacedOnFilm, error) {
	all := slices.Clone(others)
	for _, p := range points {
		switch p.SOPInstanceUID {
		case film:
			all = append(all, analysis.PlacedOnFilm{Level: p.Level, Points: p.OnFilm})
		case "":
			return nil, errInPatient
		default:
			return nil, fmt.Errorf("the landmarks of %v are on another image than the film", p.Level)
		}
	}
	return all, nil
}
