// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// ParseCorners reads points of vertebrae on a film out of an endplate.v1.Report of one
// analysis, or of an endplate.v1.Analysis, as JSON. Of it level and landmarks of each
// vertebra count, as many of the six as there are; vertebrae without landmarks, and all
// else, are passed over.
func ParseCorners(b []byte) ([]analysis.PlacedOnFilm, error) {
	one := &endplatev1.Analysis{}
	loose := protojson.UnmarshalOptions{DiscardUnknown: true}
	report := &endplatev1.Report{}
	err := loose.Unmarshal(b, report)
	switch {
	case err == nil && len(report.GetAnalyses()) > 1:
		return nil, fmt.Errorf("it holds %d analyses, and there is one film", len(report.GetAnalyses()))
	case err == nil && len(report.GetAnalyses()) == 1:
		one = report.GetAnalyses()[0]
	default:
		if err := loose.Unmarshal(b, one); err != nil {
			return nil, err
		}
	}
	var all []analysis.PlacedOnFilm
	for _, v := range one.GetVertebrae() {
		if v.GetLandmarks() == nil {
			continue
		}
		if v.GetLevel() == endplatev1.Level_LEVEL_UNSPECIFIED {
			return nil, errors.New("a vertebra has no level")
		}
		placed := analysis.PlacedOnFilm{Level: spine.Level(v.GetLevel())}
		there := false
		for n, p := range filmLandmarks(v.GetLandmarks()) {
			switch {
			case p == nil:
				placed.Missing[n] = true
			case p.Column == nil || p.Row == nil:
				return nil, fmt.Errorf("%s: its %v point has no column and row", v.GetLevel(), landmark.Name(n))
			default:
				placed.Points[n], there = radiograph.ImagePoint{Col: p.GetColumn(), Row: p.GetRow()}, true
			}
		}
		if !there {
			return nil, fmt.Errorf("%s: it has none of the six points", v.GetLevel())
		}
		all = append(all, placed)
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no vertebra with landmarks")
	}
	return all, nil
}

// filmLandmarks returns the six points by landmark.Name; nil for one that is not there.
func filmLandmarks(l *endplatev1.Landmarks) [landmark.NumPoints]*endplatev1.Landmark {
	return [landmark.NumPoints]*endplatev1.Landmark{
		landmark.SuperiorAnterior: l.GetSuperiorAnterior(), landmark.SuperiorMiddle: l.GetSuperiorMiddle(), landmark.SuperiorPosterior: l.GetSuperiorPosterior(),
		landmark.InferiorAnterior: l.GetInferiorAnterior(), landmark.InferiorMiddle: l.GetInferiorMiddle(), landmark.InferiorPosterior: l.GetInferiorPosterior(),
	}
}

// FilmPoints returns the six points of a vertebra on a film, by landmark.Name.
func FilmPoints(l *endplatev1.Landmarks) (*[landmark.NumPoints]radiograph.ImagePoint, error) {
	var out [landmark.NumPoints]radiograph.ImagePoint
	for n, p := range filmLandmarks(l) {
		if p == nil || p.Column == nil || p.Row == nil {
			return nil, fmt.Errorf("its %v point has no column and row", landmark.Name(n))
		}
		out[n] = radiograph.ImagePoint{Col: p.GetColumn(), Row: p.GetRow()}
	}
	return &out, nil
}
