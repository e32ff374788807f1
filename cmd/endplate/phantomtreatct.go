// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/measure"
)

// imagedPatient is a patient of whom there is a CT.
type imagedPatient struct {
	path string
	plan *treatPlan

	vol    *volume.Volume
	result *analysis.Result
	column []warp.Vertebra // from superior to inferior
	own    int             // index of the vertebra that is fractured
	// outline is that of the fractured vertebra's body, as it was.
	outline *segmentation.Body
}

// prepare reads and measures the CT.
func (m *imagedPatient) prepare(ctx context.Context, p *progress) (spine.Level, string, error) {
	s, err := m.only(ctx, p)
	if err != nil {
		return 0, "", err
	}
	vol, err := s.Volume(ctx)
	if err != nil {
		return 0, "", fmt.Errorf("%s: %w", m.path, err)
	}
	m.vol = vol
	if vol.SliceOffsets != nil {
		m.vol = vol.Canonical()
	}
	result, err := analysis.MeasureCT(ctx, vol, analysis.Options{
		Progress: func(stage string, fraction float64) { p.stage(m.path, stage, fraction) },
	})
	if err != nil {
		return 0, "", fmt.Errorf("%s: %w", m.path, err)
	}
	m.result = result
	level, err := m.choose()
	if err != nil {
		return 0, "", err
	}
	identity := fmt.Sprintf("%s %d %+v", s.Examination.SeriesInstanceUID, m.plan.seed, m.plan.truth(level))
	return level, identity, nil
}

// choose settles which vertebra of the result is fractured.
func (m *imagedPatient) choose() (spine.Level, error) {
	result := m.result
	level, err := chooseLevel(result, m.plan.level)
	if err != nil {
		return level, fmt.Errorf("%s: %w", m.path, err)
	}
	m.column = nil
	for i := range result.Vertebrae {
		v := &result.Vertebrae[i]
		if v.Landmarks == nil {
			continue
		}
		if v.Level == level {
			m.own, m.outline = len(m.column), v.Body
		}
		m.column = append(m.column, carried(v))
	}
	return level, nil
}

// only returns the only series at the path.
func (m *imagedPatient) only(ctx context.Context, p *progress) (*measure.Series, error) {
	if _, err := os.Stat(m.path); err != nil {
		return nil, fmt.Errorf("%s: %s", m.path, measure.Pathless(err))
	}
	in := measure.Gather([]string{m.path})
	catalog, err := in.Scan(ctx, dicom.Options{Progress: func(now dicom.Progress) {
		p.printlive("reading headers: %d files", now.Done)
	}})
	if err != nil {
		return nil, err
	}
	all := in.Series(catalog, []string{m.path})
	if len(all) != 1 {
		return nil, fmt.Errorf("%s: %d CT series, want one", m.path, len(all))
	}
	return &all[0], nil
}

// chooseLevel returns the level wanted, if it can be fractured, or, from Unknown, the
// whole and intact one nearest to the thoracolumbar junction.
func chooseLevel(result *analysis.Result, wanted spine.Level) (spine.Level, error) {
	if len(result.Vertebrae) == 0 {
		return wanted, fmt.Errorf("no vertebra found: %s", result.Reason)
	}
	best, least := spine.Unknown, math.Inf(1)
	for i := range result.Vertebrae {
		v := &result.Vertebrae[i]
		whole := v.Status == analysis.Measured && v.Heights != nil && v.Level != spine.S1
		switch {
		case v.Level == wanted && v.Status == analysis.Truncated:
			return wanted, fmt.Errorf("%v is cut off: %s", wanted, v.Reason)
		case v.Level == wanted && !whole:
			return wanted, fmt.Errorf("%v is not measured: %s", wanted, v.Reason)
		case v.Level == wanted:
			return wanted, nil
		}
		intact := (v.Deformity == nil || v.Deformity.Grade == 0) && v.Cement == nil && v.Metal == nil
		junction := float64(spine.L1) - 0.4 // rather L1 than T12
		if d := math.Abs(float64(v.Level) - junction); whole && intact && d < least {
			best, least = v.Level, d
		}
	}
	if wanted != spine.Unknown {
		n := len(result.Vertebrae)
		return wanted, fmt.Errorf("%v is not in view: the CT shows %v to %v", wanted, result.Vertebrae[0].Level, result.Vertebrae[n-1].Level)
	}
	if best == spine.Unknown {
		return best, fmt.Errorf("no whole and intact vertebra in view")
	}
	return best, nil
}

// reread places the points of v, a deformed vertebra, by their definition on the
// outline of its body where d takes it: a wall that is driven out or leans takes the
// corners with it. Where that fails, they stay where d takes them.
func reread(v warp.Vertebra, outline *segmentation.Body, d *warp.Deformation) warp.Vertebra {
	body := warp.Body{Superior: v.Superior, Inferior: v.Inferior, Left: v.Left}
	to := body.Frame()
	moved := func(s, a float64) (float64, float64) {
		s, a, _ = to.Coordinates(d.Forward(outline.Frame.Point(s, a, 0)))
		return s, a
	}
	plate := func(p segmentation.Plate) (q segmentation.Plate) {
		for i := range p.A {
			s, a := moved(p.S[i], p.A[i])
			if n := len(q.A); n == 0 || a > q.A[n-1] {
				q.A, q.S, q.SD = append(q.A, a), append(q.S, s), append(q.SD, p.SD[i])
			}
		}
		return q
	}
	wall := func(w segmentation.Wall) (x segmentation.Wall) {
		for i := range w.S {
			s, a := moved(w.S[i], w.A[i])
			if n := len(x.S); n == 0 || s > x.S[n-1] {
				x.S, x.A, x.SD = append(x.S, s), append(x.A, a), append(x.SD, w.SD[i])
			}
		}
		return x
	}
	b := *outline
	b.Frame = to
	b.Superior, b.Inferior = plate(outline.Superior), plate(outline.Inferior)
	b.Anterior, b.Posterior = wall(outline.Anterior), wall(outline.Posterior)
	m, err := landmark.FromBody(&b)
	if err != nil {
		return v
	}
	v.Superior, v.Inferior = pointsOf(&m.Superior), pointsOf(&m.Inferior)
	v.SuperiorDirection, v.InferiorDirection = m.Superior.Direction, m.Inferior.Direction
	return v
}

func pointsOf(e *landmark.Endplate) [3]r3.Vec {
	return [3]r3.Vec{e.Anterior.Position, e.Middle.Position, e.Posterior.Position}
}

// carried returns what is carried along of a measured vertebra.
func carried(v *analysis.Vertebra) warp.Vertebra {
	m := v.Landmarks
	c := warp.Vertebra{
		Level:    v.Level,
		Superior: pointsOf(&m.Superior), Inferior: pointsOf(&m.Inferior),
		SuperiorDirection: m.Superior.Direction, InferiorDirection: m.Inferior.Direction,
		Left: m.LeftAxis, Center: m.Center,
	}
	if v.Level == spine.S1 {
		c.Inferior, c.InferiorDirection = c.Superior, c.SuperiorDirection
	}
	if v.Body != nil {
		c.Width = v.Body.Width
	}
	if c.Width <= 0 {
		const usual = 1.35 // of the depth
		c.Width = usual * r3.Norm(r3.Sub(c.Superior[warp.Anterior], c.Superior[warp.Posterior]))
	}
	return c
}

// deformation returns what happens to space up to a stage.
func (m *imagedPatient) deformation(name string) (*warp.Deformation, error) {
	body := warp.BodyOf(m.column, m.own)
	d := m.plan.deformity
	share := [3]float64{d.Anterior, d.Middle, d.Posterior}
	c := warp.Change{SuperiorShare: d.SuperiorShare, Bulge: d.AnteriorBulge, Retropulsion: d.Retropulsion}
	for i, h := range body.Heights() {
		c.Loss[i] = share[i] * h
		if name == "treated" {
			c.Loss[i] *= 1 - m.plan.restored[i]
		}
	}
	if name == "before" {
		c = warp.Change{}
	}
	return warp.New(body, c)
}

// stage makes one of the patient's examinations.
func (m *imagedPatient) stage(_ context.Context, name string) (*volume.Volume, func(dicom.UIDs) truthAnalysis, error) {
	d, err := m.deformation(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%v: %w", m.column[m.own].Level, err)
	}
	motion := m.plan.motion(name, m.column[m.own].Center)
	back := motion.Back().Then(d.Map())
	scan := warp.Scan{Seed: m.plan.seed}
	distance := 0.0
	if name == "treated" {
		distance = m.plan.spacing
		scan.Blur = m.plan.blur
	}
	vol := m.vol // as it is before anything happens
	if name != "before" {
		scan.Geometry, scan.Thickness = warp.GridOf(m.vol.Geometry, motion, back, distance), distance
		vol = warp.Resample(m.vol, back, scan)
	}
	column := make([]warp.Vertebra, len(m.column))
	for i := range column {
		v := m.column[i].Deformed(d)
		if i == m.own {
			v = reread(v, m.outline, d)
		}
		column[i] = v.Moved(motion)
	}
	var cement *truthCement
	if name == "treated" && m.plan.cement > 0 {
		if cement, err = m.paintCement(vol, column); err != nil {
			return nil, nil, err
		}
	}
	return vol, func(uids dicom.UIDs) truthAnalysis {
		a := m.truth(column, vol.Geometry, uids)
		a.Motion = motionTruth(motion)
		for i := range a.Vertebrae {
			if a.Vertebrae[i].Level == m.column[m.own].Level.String() {
				a.Vertebrae[i].Cement = cement
			}
		}
		return a
	}, nil
}

// paintCement puts cement into the treated body of column.
func (m *imagedPatient) paintCement(vol *volume.Volume, column []warp.Vertebra) (*truthCement, error) {
	body := warp.BodyOf(column, m.own)
	v := model(&column[m.own], &body)
	v.Cement = phantom.RandomCement(rand.New(rand.NewPCG(m.plan.seed, 0)), v, m.plan.cement, m.plan.leaks...)
	if err := fits(v.Level, phantom.CementIn(v), m.plan.cement); err != nil {
		return nil, usagef("--cement: %w", err)
	}
	// The kernel of the CT is not known: cement is seen through a standard one, no
	// sharper than the pixels.
	kernel := phantom.Standard
	kernel.Sigma = math.Hypot(max(kernel.Sigma, 0.75*r3.Norm(vol.Column)), m.plan.blur)
	measured := phantom.PaintCement(vol, v, body.Frame(), kernel, m.plan.seed)
	return truthOfCement(measured, phantom.BodyVolume(v), v.Cement.HU), nil
}

// model returns a body of the phantom like that of a real vertebra.
func model(v *warp.Vertebra, b *warp.Body) phantom.Vertebra {
	h := v.Heights()
	const walls = 3.0 // mm that the corners lie inside both walls, together
	depth := func(points [3]r3.Vec) float64 {
		return r3.Norm(r3.Sub(points[warp.Anterior], points[warp.Posterior])) + walls
	}
	dish := func(points [3]r3.Vec) float64 {
		chord := r3.Scale(0.5, r3.Add(points[warp.Anterior], points[warp.Posterior]))
		return max(math.Abs(r3.Dot(r3.Sub(chord, points[warp.Middle]), b.Frame().Superior)), 0.3)
	}
	d := (depth(v.Superior) + depth(v.Inferior)) / 2
	return phantom.Vertebra{
		Level: v.Level, AnteriorHeight: h[warp.Anterior], PosteriorHeight: h[warp.Posterior],
		Depth: d, Width: max(v.Width, d),
		SuperiorConcavity: dish(v.Superior), InferiorConcavity: dish(v.Inferior),
		Waist: 0.04 * d, PosteriorConcavity: 0.05 * d, RimRadius: 1.5,
		EndplateThickness: 0.6, WallThickness: 0.6,
		DiscHeight: b.DiscBelow, CanalAP: 15, CanalWidth: 22,
	}
}

// truth tells what a perfect reader measures of column in a volume of geometry g.
func (m *imagedPatient) truth(column []warp.Vertebra, g volume.Geometry, uids dicom.UIDs) truthAnalysis {
	a := newTruthAnalysis(uids)
	for i := range column {
		t := m.measured(column, i, g)
		if !t.Visible {
			continue
		}
		v := truthOfVertebra(t)
		if i != m.own {
			v.Deformity = nil // the CT's own are not known
		}
		a.Vertebrae = append(a.Vertebrae, v)
	}
	for i := 1; i < len(column); i++ {
		upper, own := &column[i-1], &column[i]
		if own.Level == spine.S1 || !morphometry.Adjacent(upper.Level, own.Level) {
			continue
		}
		a.Angles = append(a.Angles, angleTruth("GARDNER", own.Level, upper, own))
		if i+1 < len(column) && column[i+1].Level != spine.S1 && morphometry.Adjacent(own.Level, column[i+1].Level) {
			a.Angles = append(a.Angles, angleTruth("BISEGMENTAL_COBB", own.Level, upper, &column[i+1]))
		}
	}
	return a
}

func angleTruth(name string, level spine.Level, from, to *warp.Vertebra) truthAngle {
	return truthAngle{
		Name: name, Level: level.String(), Degrees: from.Angle(to),
		From: from.Level.String() + " " + spine.Superior.String(), To: to.Level.String() + " " + spine.Inferior.String(),
	}
}

// measured returns column[i] as the truth of a phantom.
func (m *imagedPatient) measured(column []warp.Vertebra, i int, g volume.Geometry) phantom.Measured {
	v := &column[i]
	plate := func(points [3]r3.Vec, direction r3.Vec) phantom.Plate {
		return phantom.Plate{Anterior: points[0], Middle: points[1], Posterior: points[2], Direction: direction}
	}
	body := warp.BodyOf(column, i)
	frame := body.Frame()
	if v.Level == spine.S1 {
		frame = volume.NewFrame(v.Center, r3.Cross(v.SuperiorDirection, v.Left), v.SuperiorDirection)
	}
	t := phantom.Measured{
		Level: v.Level, Frame: frame,
		Superior: plate(v.Superior, v.SuperiorDirection), Inferior: plate(v.Inferior, v.InferiorDirection),
		WedgeAngle: v.Wedge(), Margin: math.Inf(1),
	}
	h, intact := v.Heights(), m.column[i].Heights()
	t.AnteriorHeight, t.MiddleHeight, t.PosteriorHeight = h[0], h[1], h[2]
	t.Intact = intact
	for k := range h {
		if intact[k] > 0 {
			t.Loss[k] = 100 * (1 - h[k]/intact[k])
		}
	}
	worst, _ := t.WorstLoss()
	t.Genant, t.Shape = phantom.GenantGrade(worst), m.plan.deformity.Shape
	if i+1 < len(column) {
		t.DiscHeight = v.DiscHeight(&column[i+1])
	}
	inside := func(p r3.Vec) float64 { return depthIn(g, p) }
	t.Visible = inside(v.Center) >= 0
	for k := range 3 {
		t.Margin = min(t.Margin, inside(v.Superior[k]), inside(v.Inferior[k]))
	}
	return t
}

// depthIn returns how far inside the outermost voxel centres of g a point lies, mm,
// negative outside.
func depthIn(g volume.Geometry, p r3.Vec) float64 {
	i, j, k := g.Indexer().Index(p)
	column, row, _ := g.Spacing()
	normal := math.Abs(r3.Dot(r3.Unit(r3.Cross(g.Column, g.Row)), g.Slice))
	return min(
		min(i, float64(g.Columns-1)-i)*column,
		min(j, float64(g.Rows-1)-j)*row,
		min(k, float64(g.Slices-1)-k)*normal,
	)
}
