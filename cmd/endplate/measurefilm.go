// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/spine"
)

// The result of a film as JSON: the keys of a CT's where the same is measured, points in
// columns and rows from the outer corner of the first pixel.
type (
	filmFile struct {
		Analyses []filmAnalysis `json:"analyses"`
	}
	filmAnalysis struct {
		StudyInstanceUID  string          `json:"study_instance_uid"`
		SeriesInstanceUID string          `json:"series_instance_uid"`
		SOPInstanceUID    string          `json:"sop_instance_uid"`
		Modality          string          `json:"modality"`
		Algorithm         filmAlgorithm   `json:"algorithm"`
		Calibration       filmCalibration `json:"calibration"`
		Vertebrae         []filmMeasured  `json:"vertebrae"`
		Angles            []filmAngle     `json:"angles"`
		Findings          []filmFinding   `json:"findings"`
		NotAssessable     []string        `json:"not_assessable_on_radiograph"`
		Warnings          []filmWarning   `json:"warnings"`
	}
	filmAlgorithm struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	filmCalibration struct {
		Basis      string   `json:"basis"`
		Reason     string   `json:"reason"`
		RelativeSD *float64 `json:"relative_sd,omitempty"`
	}
	filmMeasured struct {
		Level      string                       `json:"level"`
		Status     string                       `json:"status"`
		Seeded     bool                         `json:"seeded"`
		Center     filmPoint                    `json:"center"`
		Landmarks  map[string]filmPoint         `json:"landmarks"`
		Heights    *filmHeights                 `json:"heights,omitempty"`
		Ratios     map[string]filmMeasuredRatio `json:"ratios,omitempty"`
		WedgeAngle *float64                     `json:"wedge_angle_deg,omitempty"`
		WedgeSD    *float64                     `json:"wedge_angle_sd_deg,omitempty"`
		Deformity  *filmDeformity               `json:"deformity,omitempty"`
	}
	filmPoint struct {
		Col float64  `json:"col"`
		Row float64  `json:"row"`
		SD  *float64 `json:"sd_pixels,omitempty"`
	}
	filmHeights struct {
		Anterior  float64 `json:"anterior_mm"`
		Middle    float64 `json:"middle_mm"`
		Posterior float64 `json:"posterior_mm"`
		SD        float64 `json:"sd_mm"`
	}
	filmMeasuredRatio struct {
		Value float64 `json:"value"`
		SD    float64 `json:"sd"`
	}
	filmDeformity struct {
		Genant        int     `json:"genant_grade"`
		Shape         string  `json:"shape"`
		WorstLoss     float64 `json:"worst_loss_percent"`
		WorstLossSD   float64 `json:"worst_loss_sd_percent"`
		WorstHeight   string  `json:"worst_height"`
		Borderline    bool    `json:"borderline"`
		VertebraPlana bool    `json:"vertebra_plana"`
		Reason        string  `json:"reason,omitempty"`
	}
	filmAngle struct {
		Name    string  `json:"name"`
		Level   string  `json:"level,omitempty"`
		From    string  `json:"from"`
		To      string  `json:"to"`
		Degrees float64 `json:"degrees"`
		SD      float64 `json:"sd_deg"`
	}
	filmFinding struct {
		Code      string `json:"code"`
		Statement string `json:"statement"`
	}
	filmWarning struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
)

// runMeasureFilm measures one film from a reader's seeds and writes JSON.
func runMeasureFilm(ctx context.Context, paths []string, flags measureFlags, stdout io.Writer) error {
	if len(paths) != 1 {
		return usagef("--seed goes with one film, and there are %d paths", len(paths))
	}
	if flags.format != "" && format(flags.format) != formatJSON {
		return usagef("--format %s: films are written as json", flags.format)
	}
	if flags.labels != "" || flags.points != "" || flags.level != "" {
		return usagef("--labels, --landmarks and --level are for CT: seeds name the vertebrae of a film")
	}
	opt, err := flags.filmOptions()
	if err != nil {
		return err
	}
	if err := checkOut(flags.out); err != nil {
		return err
	}
	m, err := readFilm(ctx, paths[0])
	if err != nil {
		return err
	}
	r, err := analysis.MeasureFilm(ctx, m, opt)
	switch {
	case errors.Is(err, outline.ErrSide):
		return usagef("%w: give --anterior left or right", err)
	case err != nil:
		return err
	case r.Refusal != nil:
		return fmt.Errorf("%s: nothing could be measured: %w", paths[0], r.Refusal)
	}
	b, err := json.MarshalIndent(filmFile{[]filmAnalysis{filmJSON(m, r)}}, "", "  ")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if flags.out != "" {
		return writeFile(flags.out, b)
	}
	_, err = stdout.Write(b)
	return err
}

func readFilm(ctx context.Context, path string) (*radiograph.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	m, err := dicom.ReadRadiograph(ctx, f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// filmOptions parses seeds, side and scale.
func (flags *measureFlags) filmOptions() (analysis.FilmOptions, error) {
	var opt analysis.FilmOptions
	for _, s := range flags.seeds {
		levelName, at, ok := strings.Cut(s, "@")
		level, err := spine.ParseLevel(strings.ToUpper(levelName))
		if err != nil || !ok {
			return opt, usagef("--seed %s: want LEVEL@col,row, such as L1@512,300.5", s)
		}
		p, err := parseImagePoint(at)
		if err != nil {
			return opt, usagef("--seed %s: %w", s, err)
		}
		opt.Seeds = append(opt.Seeds, outline.Seed{Level: level, Center: p})
	}
	switch flags.anterior {
	case "":
	case "left":
		opt.Anterior = outline.Left
	case "right":
		opt.Anterior = outline.Right
	default:
		return opt, usagef("--anterior %s: want left or right", flags.anterior)
	}
	if flags.scale == "" {
		return opt, nil
	}
	length, points, _ := strings.Cut(flags.scale, "@")
	mm, err := strconv.ParseFloat(length, 64)
	from, to, ok := strings.Cut(points, "-")
	if err != nil || !ok || !(mm > 0) || math.IsInf(mm, 0) {
		return opt, usagef("--scale %s: want MM@col,row-col,row, such as 25.4@100,80-180,80", flags.scale)
	}
	opt.Distance = mm
	for n, s := range []string{from, to} {
		if opt.Between[n], err = parseImagePoint(s); err != nil {
			return opt, usagef("--scale %s: %w", flags.scale, err)
		}
	}
	return opt, nil
}

// parseImagePoint parses col,row.
func parseImagePoint(s string) (radiograph.ImagePoint, error) {
	c, r, ok := strings.Cut(s, ",")
	col, errCol := strconv.ParseFloat(strings.TrimSpace(c), 64)
	row, errRow := strconv.ParseFloat(strings.TrimSpace(r), 64)
	if !ok || errCol != nil || errRow != nil || !(math.Abs(col) < 1e6 && math.Abs(row) < 1e6) {
		return radiograph.ImagePoint{}, fmt.Errorf("%q is no point col,row", s)
	}
	return radiograph.ImagePoint{Col: col, Row: row}, nil
}

func filmJSON(m *radiograph.Image, r *analysis.Film) filmAnalysis {
	a := filmAnalysis{
		StudyInstanceUID: m.Header.StudyInstanceUID, SeriesInstanceUID: m.Header.SeriesInstanceUID, SOPInstanceUID: m.Header.SOPInstanceUID,
		Modality: m.Header.Modality, Algorithm: filmAlgorithm{name, versionString()},
		Calibration:   filmCalibration{Basis: r.Calibration.Basis.String(), Reason: r.Calibration.Reason.String()},
		NotAssessable: analysis.NotOnFilms,
	}
	if r.Calibration.Millimetres() {
		a.Calibration.RelativeSD = &r.Calibration.RelativeSD
	}
	for i := range r.Vertebrae {
		a.Vertebrae = append(a.Vertebrae, filmVertebraJSON(&r.Vertebrae[i], r.Calibration.Spacing))
	}
	for _, g := range r.Angles {
		a.Angles = append(a.Angles, filmAngle{g.Name, g.Level.String(), g.From.String(), g.To.String(), g.Degrees, g.SD})
	}
	for _, f := range r.Findings {
		if !r.Calibration.Millimetres() && strings.Contains(f.Statement.String(), " mm") {
			continue // told in millimetres that nobody knows
		}
		a.Findings = append(a.Findings, filmFinding{f.Code, f.Statement.String()})
	}
	for _, w := range r.Warnings {
		a.Warnings = append(a.Warnings, filmWarning{w.Code, w.Message.String()})
	}
	return a
}

func filmVertebraJSON(v *analysis.FilmVertebra, unit radiograph.Spacing) filmMeasured {
	out := filmMeasured{
		Level: v.Level.String(), Status: "MEASURED", Seeded: v.Seeded, Center: filmPoint{v.Center.Col, v.Center.Row, nil},
		Landmarks: map[string]filmPoint{},
	}
	for n := range landmark.Name(landmark.NumPoints) {
		sd := v.SD[n] / unit.Rows
		out.Landmarks[landmarkKeys[n]] = filmPoint{v.Points[n].Col, v.Points[n].Row, &sd}
	}
	if h := v.Heights; h != nil {
		out.Heights = &filmHeights{h.Anterior, h.Middle, h.Posterior, max(h.AnteriorSD, h.MiddleSD, h.PosteriorSD)}
	}
	if v.AnteriorRatio != nil {
		out.Ratios = map[string]filmMeasuredRatio{
			"anterior_to_posterior": filmMeasuredRatio(*v.AnteriorRatio), "middle_to_posterior": filmMeasuredRatio(*v.MiddleRatio),
		}
	}
	if v.WedgeAngle != nil {
		out.WedgeAngle, out.WedgeSD = &v.WedgeAngle.Value, &v.WedgeAngle.SD
	}
	if d := v.Deformity; d != nil && d.Assessed {
		out.Deformity = &filmDeformity{
			d.Grade, strings.ToUpper(d.Shape.String()), d.WorstLoss, d.WorstLossSD, strings.ToUpper(d.WorstHeight.String()), d.Borderline, d.VertebraPlana, d.Reason.String(),
		}
	}
	return out
}
