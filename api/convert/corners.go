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

// ParseCorners reads the six points of vertebrae on a film out of an endplate.v1.Report of
// one analysis, or of an endplate.v1.Analysis, as JSON. Of it level and landmarks of each
// vertebra count; vertebrae without landmarks, and all else, are passed over.
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
		points, err := FilmPoints(v.GetLandmarks())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.GetLevel(), err)
		}
		if v.GetLevel() == endplatev1.Level_LEVEL_UNSPECIFIED {
			return nil, errors.New("a vertebra has no level")
		}
		all = append(all, analysis.PlacedOnFilm{Level: spine.Level(v.GetLevel()), Points: *points})
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no vertebra with landmarks")
	}
	return all, nil
}

// FilmPoints returns the six points of a vertebra on a film, by landmark.Name.
func FilmPoints(l *endplatev1.Landmarks) (*[landmark.NumPoints]radiograph.ImagePoint, error) {
	var out [landmark.NumPoints]radiograph.ImagePoint
	for n, p := range []*endplatev1.Landmark{
		landmark.SuperiorAnterior: l.GetSuperiorAnterior(), landmark.SuperiorMiddle: l.GetSuperiorMiddle(), landmark.SuperiorPosterior: l.GetSuperiorPosterior(),
		landmark.InferiorAnterior: l.GetInferiorAnterior(), landmark.InferiorMiddle: l.GetInferiorMiddle(), landmark.InferiorPosterior: l.GetInferiorPosterior(),
	} {
		if p == nil || p.Column == nil || p.Row == nil {
			return nil, fmt.Errorf("its %v point has no column and row", landmark.Name(n))
		}
		out[n] = radiograph.ImagePoint{Col: p.GetColumn(), Row: p.GetRow()}
	}
	return &out, nil
}
