// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
)

// filmVertebra is what is known of a vertebra in the patient.
type filmVertebra struct {
	level     spine.Level
	center    r3.Vec
	landmarks map[string]*truthPoint // LPS mm
	heights   *truthHeights
	wedge     *float64
	deformity *truthDeformity
}

// The truth of a film as JSON.
type (
	filmTruthFile struct {
		Analyses []filmTruth `json:"analyses"`
	}
	filmTruth struct {
		StudyInstanceUID  string `json:"study_instance_uid"`
		SeriesInstanceUID string `json:"series_instance_uid"`
		Modality          string `json:"modality"`

		SourceToDetector   float64    `json:"source_to_detector_mm"`
		ImagerPixelSpacing [2]float64 `json:"imager_pixel_spacing_mm"` // of rows, of columns

		Vertebrae []filmTruthVertebra `json:"vertebrae"`
		Angles    []truthAngle        `json:"angles"`
	}
	filmTruthVertebra struct {
		Level string `json:"level"`
		// Complete is set where all points lie on the film.
		Complete      bool                      `json:"complete"`
		Magnification float64                   `json:"magnification"` // at the centre
		Center        filmTruthPoint            `json:"center"`
		Landmarks     map[string]filmTruthPoint `json:"landmarks"`
		// In the patient.
		Heights    *truthHeights   `json:"heights,omitempty"`
		WedgeAngle *float64        `json:"wedge_angle_deg,omitempty"`
		Deformity  *truthDeformity `json:"deformity,omitempty"`
	}
	// filmTruthPoint is a point on the film, from the outer corner of its first pixel,
	// and in the patient.
	filmTruthPoint struct {
		Col float64 `json:"col"`
		Row float64 `json:"row"`
		truthPoint
	}
)

// truthOfFilm returns what of the patient a film shows and where.
func truthOfFilm(g *projection.Geometry, p filmPatient, uids dicom.UIDs) filmTruthFile {
	rows, columns := g.ImagerPixelSpacing()
	t := filmTruth{
		StudyInstanceUID: uids.StudyInstanceUID, SeriesInstanceUID: uids.SeriesInstanceUID, Modality: "DX",
		SourceToDetector: g.SourceToDetector(), ImagerPixelSpacing: [2]float64{rows, columns}, Angles: p.angles,
	}
	for _, v := range p.vertebrae {
		on := filmTruthVertebra{
			Level: v.level.String(), Complete: true, Magnification: g.Magnification(v.center), Landmarks: map[string]filmTruthPoint{},
			Heights: v.heights, WedgeAngle: v.wedge, Deformity: v.deformity,
		}
		for name, q := range v.landmarks {
			at, ok := g.Project(r3.Vec{X: q.X, Y: q.Y, Z: q.Z})
			on.Landmarks[name] = filmTruthPoint{at.Col, at.Row, *q}
			on.Complete = on.Complete && ok && g.Holds(at)
		}
		at, ok := g.Project(v.center)
		on.Center = filmTruthPoint{at.Col, at.Row, *point(v.center)}
		if ok && g.Holds(at) {
			t.Vertebrae = append(t.Vertebrae, on)
		}
	}
	return filmTruthFile{Analyses: []filmTruth{t}}
}

// patientOf returns what was found in a CT: its landmarks are measured, not known.
func patientOf(r *analysis.Result) filmPatient {
	var p filmPatient
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if v.Landmarks == nil {
			continue
		}
		on := filmVertebra{level: v.Level, center: v.Center, landmarks: map[string]*truthPoint{}}
		for n := range landmark.Name(landmark.NumPoints) {
			if v.Landmarks.Endplate(n.Endplate()).Found() {
				on.landmarks[landmarkKeys[n]] = point(v.Landmarks.Point(n).Position)
			}
		}
		if h := v.Heights; h != nil {
			on.heights = &truthHeights{Anterior: h.Anterior, Middle: h.Middle, Posterior: h.Posterior}
		}
		if v.WedgeAngle != nil {
			on.wedge = &v.WedgeAngle.Value
		}
		p.vertebrae = append(p.vertebrae, on)
		p.aim(v.Level, v.Center)
	}
	for _, a := range r.Angles {
		p.angles = append(p.angles, truthAngle{Name: a.Name, Level: a.Level.String(), From: a.From.String(), To: a.To.String(), Degrees: a.Degrees})
	}
	p.centre()
	return p
}

// landmarkKeys are the six points' names in JSON.
var landmarkKeys = [landmark.NumPoints]string{
	"superior_anterior", "superior_middle", "superior_posterior", "inferior_anterior", "inferior_middle", "inferior_posterior",
}

// patientOfPhantom returns the vertebrae first to last of a phantom, which are known.
func patientOfPhantom(s *phantom.Spine, first, last spine.Level) filmPatient {
	var p filmPatient
	t := s.Truth()
	for i := range t.Vertebrae {
		m := &t.Vertebrae[i]
		p.aim(m.Level, m.Frame.Origin)
		if m.Level < first || m.Level > last {
			continue
		}
		v := truthOfVertebra(*m)
		p.vertebrae = append(p.vertebrae, filmVertebra{
			level: m.Level, center: m.Frame.Origin, landmarks: v.Landmarks, heights: v.Heights, wedge: v.WedgeAngle, deformity: v.Deformity,
		})
	}
	for _, a := range t.Angles {
		if a.From >= first && a.To <= last {
			p.angles = append(p.angles, truthAngle{
				Name: a.Name, Level: a.Level.String(), Degrees: a.Degrees,
				From: a.From.String() + " " + a.FromEndplate.String(), To: a.To.String() + " " + a.ToEndplate.String(),
			})
		}
	}
	p.centre()
	return p
}

// aim notes where the shoulders are, which hang at the height of T2 to T4.
func (p *filmPatient) aim(l spine.Level, at r3.Vec) {
	if l > spine.T1 && l <= spine.T4 && p.shoulders == (r3.Vec{}) {
		p.shoulders = at
	}
}

// centre puts the central ray through the middle between the outermost vertebrae.
func (p *filmPatient) centre() {
	if len(p.vertebrae) == 0 {
		return
	}
	low, high := p.vertebrae[0].center, p.vertebrae[0].center
	for _, v := range p.vertebrae {
		low = r3.Vec{X: min(low.X, v.center.X), Y: min(low.Y, v.center.Y), Z: min(low.Z, v.center.Z)}
		high = r3.Vec{X: max(high.X, v.center.X), Y: max(high.Y, v.center.Y), Z: max(high.Z, v.center.Z)}
	}
	p.center = r3.Scale(0.5, r3.Add(low, high))
}
