// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// Codes of findings about the tissue of bodies.
const (
	PedicleErosionCode  = "PEDICLE_EROSION"
	VacuumCleftCode     = "VACUUM_CLEFT"
	LyticLesionCode     = "LYTIC_LESION"
	ScleroticLesionCode = "SCLEROTIC_LESION"
	CorticalGapCode     = "CORTICAL_GAP"
)

// Shares from which a finding is stated: defaults of this program, above what
// veins, islands of marrow and thin places of an intact cortex make up.
const (
	// LesionShare is that of the body's volume.
	LesionShare = 0.05
	// CorticalGapShare is that of a face, beyond what is usual in the patient.
	CorticalGapShare = 0.2
)

const (
	pedicleCriterion phrase.Text = "least attenuation along the pedicle above that of soft tissue (40 HU) below 30 % of the upper quartile of the other side and of the pedicles within two levels, and below 180 HU; or at most 70 HU"
	cleftCriterion   phrase.Text = "gas below -200 HU within the body, apart from that of the discs"
	lyticCriterion   phrase.Text = "mean attenuation of 3 mm cubes below half way from the patient's cancellous bone to soft tissue, in at least 5 % of the body"
	denseCriterion   phrase.Text = "mean attenuation of 3 mm cubes at least 150 HU above the patient's cancellous bone and at least 300 HU, in at least 5 % of the body"
	gapCriterion     phrase.Text = "at least 20 % more of the face without cortical bone than is usual in the patient's undeformed bodies (less than a third of their cortical mass)"

	ownRule     phrase.Text = "default of this program; no published threshold was found"
	cleftSource phrase.Text = "McKiernan 2003, Arthritis Rheum 48:1414 (clefts in 37 % of fractures); threshold: default of this program"
)

// TissueFindings states what the tissue of a body shows.
func TissueFindings(l spine.Level, t *morphometry.Tissue) []Finding {
	var found []Finding
	add := func(code string, statement, criterion, source phrase.Text) {
		found = append(found, Finding{Code: code, Levels: []spine.Level{l}, Statement: phrase.Of("%s: %s", l, statement), Criterion: criterion, Source: source})
	}
	if sides := erodedSides(t); len(sides) > 0 {
		add(PedicleErosionCode, phrase.Join(", ", sides...), pedicleCriterion, ownRule)
	}
	if t.Cleft.Present() {
		add(VacuumCleftCode, phrase.Of("gas in the body, %.2f ± %.2f ml", t.Cleft.Volume, t.Cleft.SD), cleftCriterion, cleftSource)
	}
	if s := t.Lesions.Lytic; s.Assessed && s.Value >= LesionShare {
		add(LyticLesionCode, phrase.Of("%.0f %% of the body with little or no bone", 100*s.Value), lyticCriterion, ownRule)
	}
	if s := t.Lesions.Sclerotic; s.Assessed && s.Value >= LesionShare {
		add(ScleroticLesionCode, phrase.Of("%.0f %% of the body dense", 100*s.Value), denseCriterion, ownRule)
	}
	if faces := bareFaces(l, &t.Cortex); len(faces) > 0 {
		add(CorticalGapCode, phrase.Of("without cortical bone: %s", phrase.Join(", ", faces...)), gapCriterion, ownRule)
	}
	return found
}

func erodedSides(t *morphometry.Tissue) []phrase.Text {
	var sides []phrase.Text
	for _, p := range []struct {
		name phrase.Text
		*morphometry.Pedicle
	}{{"left", &t.Left}, {"right", &t.Right}} {
		if p.Status == morphometry.PedicleEroded {
			sides = append(sides, phrase.Of("%s pedicle eroded or lytic, %.0f HU where %.0f are expected", p.name, p.HU, p.Expected))
		}
	}
	return sides
}

var faceNames = [segmentation.NumFaces]phrase.Text{
	segmentation.SuperiorFace: "superior endplate",
	segmentation.InferiorFace: "inferior endplate",
	segmentation.AnteriorFace: "anterior wall",
	segmentation.LeftFace:     "left wall",
	segmentation.RightFace:    "right wall",
}

// isBare reports whether a face lacks more cortex than is usual.
func isBare(g *morphometry.Gap) bool { return g.Assessed && g.Excess() >= CorticalGapShare }

// bareFaces names the faces with a gap. The lateral walls of cervical bodies pass
// into the transverse processes and are left out.
func bareFaces(l spine.Level, c *morphometry.Cortex) []phrase.Text {
	var faces []phrase.Text
	for f := range c.Gaps {
		isLateral := segmentation.Face(f) == segmentation.LeftFace || segmentation.Face(f) == segmentation.RightFace
		if g := &c.Gaps[f]; isBare(g) && !(isLateral && l.Region() == spine.Cervical) {
			faces = append(faces, phrase.Of("%.0f %% of the %s", 100*g.Share, faceNames[f]))
		}
	}
	return faces
}
