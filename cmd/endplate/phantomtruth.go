// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// The truth of a phantom as JSON: the keys of endplate measure where it measures
// the same, and more.
type (
	truthFile struct {
		Analyses []truthAnalysis `json:"analyses"`
	}
	truthAnalysis struct {
		// Stage is before, fractured or treated: the folder too.
		Stage               string          `json:"stage,omitempty"`
		Motion              *truthMotion    `json:"motion,omitempty"`
		StudyInstanceUID    string          `json:"study_instance_uid"`
		SeriesInstanceUID   string          `json:"series_instance_uid"`
		FrameOfReferenceUID string          `json:"frame_of_reference_uid"`
		Modality            string          `json:"modality"`
		Vertebrae           []truthVertebra `json:"vertebrae"`
		Angles              []truthAngle    `json:"angles"`
	}
	truthVertebra struct {
		Level    string `json:"level"`
		Complete bool   `json:"complete"`
		// MarginMM is how far inside the volume the body lies.
		MarginMM     float64                `json:"margin_mm"`
		Center       truthPoint             `json:"center"`
		Canal        *truthCanal            `json:"canal,omitempty"`
		SuperiorAxis truthPoint             `json:"superior_axis"`
		AnteriorAxis truthPoint             `json:"anterior_axis"`
		Landmarks    map[string]*truthPoint `json:"landmarks"`
		Heights      *truthHeights          `json:"heights,omitempty"`
		WedgeAngle   *float64               `json:"wedge_angle_deg,omitempty"`
		DiscHeight   *float64               `json:"disc_height_mm,omitempty"`
		Depth        float64                `json:"depth_mm,omitempty"`
		Width        float64                `json:"width_mm,omitempty"`
		Volume       float64                `json:"volume_mm3,omitempty"`
		CanalAP      float64                `json:"canal_ap_mm,omitempty"`
		Deformity    *truthDeformity        `json:"deformity,omitempty"`

		truthTissue
	}
	truthPoint struct {
		X float64 `json:"x"`
		Y float64 `json:"y"`
		Z float64 `json:"z"`
	}
	// truthHeights holds as expected heights those of the body before its
	// deformity.
	truthHeights struct {
		Anterior          float64 `json:"anterior_mm"`
		Middle            float64 `json:"middle_mm"`
		Posterior         float64 `json:"posterior_mm"`
		ExpectedAnterior  float64 `json:"expected_anterior_mm"`
		ExpectedMiddle    float64 `json:"expected_middle_mm"`
		ExpectedPosterior float64 `json:"expected_posterior_mm"`
	}
	truthDeformity struct {
		Genant      int     `json:"genant_grade"`
		Shape       string  `json:"shape"`
		WorstLoss   float64 `json:"worst_loss_percent"`
		WorstHeight string  `json:"worst_height"`
	}
	truthAngle struct {
		Name    string  `json:"name"`
		Level   string  `json:"level,omitempty"`
		From    string  `json:"from"`
		To      string  `json:"to"`
		Degrees float64 `json:"degrees"`
	}
)

// truthOf returns the truth of the vertebrae of s, made from p, that a volume of
// geometry g shows, whole or cut.
func truthOf(s *phantom.Spine, p phantom.Params, g volume.Geometry, uids dicom.UIDs) truthFile {
	return truthFile{Analyses: []truthAnalysis{truthOfSpine(s, p, g, uids)}}
}

func truthOfSpine(s *phantom.Spine, p phantom.Params, g volume.Geometry, uids dicom.UIDs) truthAnalysis {
	t := s.Within(s.Truth(), g)
	a := newTruthAnalysis(uids)
	whole := map[spine.Level]bool{}
	for i, m := range t.Vertebrae {
		if !m.Visible {
			continue
		}
		whole[m.Level] = m.Complete()
		v := truthOfVertebra(m)
		canal := truthOfCanal(s, m)
		v.Canal = &canal
		v.truthTissue = truthOfTissue(p.Vertebrae[i], m)
		a.Vertebrae = append(a.Vertebrae, v)
	}
	for _, c := range t.Angles {
		if !whole[c.From] || !whole[c.To] {
			continue
		}
		a.Angles = append(a.Angles, truthAngle{
			Name: c.Name, Level: c.Level.String(), Degrees: c.Degrees,
			From: c.From.String() + " " + c.FromEndplate.String(),
			To:   c.To.String() + " " + c.ToEndplate.String(),
		})
	}
	return a
}

func newTruthAnalysis(uids dicom.UIDs) truthAnalysis {
	return truthAnalysis{
		StudyInstanceUID:    uids.StudyInstanceUID,
		SeriesInstanceUID:   uids.SeriesInstanceUID,
		FrameOfReferenceUID: uids.FrameOfReferenceUID,
		Modality:            "CT",
	}
}

func truthOfVertebra(m phantom.Measured) truthVertebra {
	v := truthVertebra{
		Level: m.Level.String(), Complete: m.Complete(), MarginMM: m.Margin,
		Center:       *point(m.Frame.Origin),
		SuperiorAxis: *point(m.Frame.Superior), AnteriorAxis: *point(m.Frame.Anterior),
		Landmarks: map[string]*truthPoint{
			"superior_anterior":  point(m.Superior.Anterior),
			"superior_middle":    point(m.Superior.Middle),
			"superior_posterior": point(m.Superior.Posterior),
		},
		Depth: m.Depth, Width: m.Width, Volume: m.Volume, CanalAP: m.CanalAP,
	}
	if m.Level == spine.S1 {
		return v
	}
	v.Landmarks["inferior_anterior"] = point(m.Inferior.Anterior)
	v.Landmarks["inferior_middle"] = point(m.Inferior.Middle)
	v.Landmarks["inferior_posterior"] = point(m.Inferior.Posterior)
	v.Heights = &truthHeights{m.AnteriorHeight, m.MiddleHeight, m.PosteriorHeight, m.Intact[0], m.Intact[1], m.Intact[2]}
	v.WedgeAngle, v.DiscHeight = &m.WedgeAngle, &m.DiscHeight
	loss, worst := m.WorstLoss()
	shape := phantom.NoDeformity
	if m.Genant > 0 {
		shape = m.Shape
	}
	v.Deformity = &truthDeformity{
		Genant: m.Genant, Shape: [...]string{"NONE", "WEDGE", "BICONCAVE", "CRUSH"}[shape],
		WorstLoss: loss, WorstHeight: [...]string{"ANTERIOR", "MIDDLE", "POSTERIOR"}[worst],
	}
	return v
}

func point(p r3.Vec) *truthPoint { return &truthPoint{p.X, p.Y, p.Z} }
