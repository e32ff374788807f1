// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package radiograph

import (
	"math"
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis/phrase"
)

// Refusal says why a film is not read as a lateral one of the spine.
type Refusal struct {
	Code   string
	Reason phrase.Text
}

// Codes of refusals.
const (
	BlankFrame = "BLANK_FRAME"
	NotLateral = "NOT_LATERAL"
	NotSpine   = "NOT_SPINE"
)

// Error makes a refusal an error where a film was asked for.
func (r *Refusal) Error() string { return r.Reason.String() }

// frontal are the values of ViewPosition of films that are not lateral.
var frontal = []string{"AP", "PA", "AX", "TAN", "PLAX"}

// foreign are the values of BodyPartExamined that hold no thoracic or lumbar spine worth
// measuring. CHEST is not among them: its lateral film shows the thoracic spine, and is
// refused only where no reader points at vertebrae.
var foreign = []string{
	"HAND", "WRIST", "FINGER", "THUMB", "FOREARM", "ELBOW", "ARM", "HUMERUS", "FOOT", "ANKLE", "TOE", "LEG", "KNEE", "THIGH", "FEMUR",
	"SKULL", "HEAD", "SINUS", "JAW", "BREAST", "SHOULDER", "CLAVICLE", "HIP", "EXTREMITY", "CALCANEUS", "PATELLA", "TIBFIB", "MANDIBLE",
}

// Recognize tells whether m can be a lateral film of the spine: nil, or why not. With
// seeds, a reader has pointed at vertebrae.
//
// It goes by what the header says; of the pixels it judges only that there is a picture. It
// tells neither a frontal film, which Frontal does, nor a hand from a spine.
func Recognize(m *Image, field *Field, seeds bool) *Refusal {
	if r := blank(m, field); r != nil {
		return r
	}
	h := &m.Header
	view, part := strings.ToUpper(strings.TrimSpace(h.ViewPosition)), strings.ToUpper(strings.TrimSpace(h.BodyPartExamined))
	switch {
	case slices.Contains(frontal, view):
		return &Refusal{NotLateral, phrase.Of("ViewPosition is %s: not a lateral film", view)}
	case slices.Contains(foreign, part):
		return &Refusal{NotSpine, phrase.Of("BodyPartExamined is %s: not the spine", part)}
	case part == "CHEST" && !seeds:
		return &Refusal{NotSpine, "BodyPartExamined is CHEST: the film is not exposed for the spine; give seeds to measure it all the same"}
	case sideways(h.PatientOrientation[0]) || sideways(h.PatientOrientation[1]):
		return &Refusal{NotLateral, "PatientOrientation runs between the patient's sides: not a lateral film"}
	}
	return nil
}

// Frontal tells whether m is symmetric as a frontal trunk is: nil if it is not. So are some
// lateral films on which little is seen beside the spine.
func Frontal(m *Image, field *Field) *Refusal {
	if s := Symmetry(m, field); s >= symmetric {
		return &Refusal{NotLateral, phrase.Of("the film is its own mirror image (correlation %.2f): a frontal film", s)}
	}
	return nil
}

// sideways reports whether a direction of PatientOrientation is mainly to a side.
func sideways(direction string) bool {
	return strings.HasPrefix(direction, "L") || strings.HasPrefix(direction, "R")
}

// A frame is blank if what it shows differs by so little, of the brightness that it could
// have, or if so little of it shows anything.
const (
	blankContrast = 0.02
	blankShare    = 0.02
)

func blank(m *Image, field *Field) *Refusal {
	if m.Columns < 64 || m.Rows < 64 {
		return &Refusal{BlankFrame, phrase.Of("%d × %d pixels show no spine", m.Columns, m.Rows)}
	}
	if field.Share < blankShare {
		return &Refusal{BlankFrame, "the frame is black or white"}
	}
	if q := m.quantiles(field.Inside, 0.005, 0.995); !(q[1]-q[0] >= blankContrast) {
		return &Refusal{BlankFrame, "the frame shows nothing: all of it is of one brightness"}
	}
	return nil
}

// symmetric is the correlation with its own mirror image from which on a film is frontal.
// Rendered films of six made trunks with curves up to 15° had 0.18 to 0.38 in lateral and
// 0.72 to 0.95 in frontal views (TestSymmetry), and one in sixty lateral films of others
// 0.64; no real film was tried.
const symmetric = 0.68

// Symmetry returns how well the film's detail correlates with its mirror image about the
// upright line that suits it best, within the field: 1 for a perfectly symmetric one. A film
// that lies on its side must be turned first: the row of vertebrae is symmetric too.
func Symmetry(m *Image, field *Field) float64 {
	const size = 64
	small := shrink(m, field, size).detail(size / 8)
	best := math.Inf(-1)
	for axis := size - size/3; axis <= size+size/3; axis++ {
		best = max(best, small.mirrored(axis))
	}
	return best
}

// grid is a small film; NaN lies outside the field.
type grid struct {
	n int
	v []float64
}

// shrink returns the means over n by n blocks of the film.
func shrink(m *Image, field *Field, n int) grid {
	g := grid{n, make([]float64, n*n)}
	count := make([]int, n*n)
	for row := range m.Rows {
		for col := range m.Columns {
			if i := row*m.Columns + col; field.Inside[i] {
				b := row*n/m.Rows*n + col*n/m.Columns
				g.v[b] += float64(m.Samples[i])
				count[b]++
			}
		}
	}
	half := m.Rows * m.Columns / (2 * n * n)
	for b := range g.v {
		g.v[b] /= float64(count[b])
		if count[b] < half {
			g.v[b] = math.NaN()
		}
	}
	return g
}

// detail takes out the mean about each block, so that it is not the trunk's own outline
// that is compared.
func (g grid) detail(reach int) grid {
	out := grid{g.n, make([]float64, len(g.v))}
	for i, v := range g.v {
		x, y := i%g.n, i/g.n
		var sum, n float64
		for b := max(y-reach, 0); b <= min(y+reach, g.n-1); b++ {
			for a := max(x-reach, 0); a <= min(x+reach, g.n-1); a++ {
				if w := g.v[b*g.n+a]; !math.IsNaN(w) {
					sum, n = sum+w, n+1
				}
			}
		}
		out.v[i] = v - sum/n
	}
	return out
}

// mirrored returns the correlation of g with itself mirrored about axis/2, in blocks; -1
// where less than a third of it overlaps. What one side shows and the other does not counts
// as different.
func (g grid) mirrored(axis int) float64 {
	var n, sum, square, product, single float64
	for y := range g.n {
		for x := range g.n {
			other := axis - 1 - x
			if other < 0 || other >= g.n {
				continue
			}
			a, b := g.v[y*g.n+x], g.v[y*g.n+other]
			if math.IsNaN(a) != math.IsNaN(b) {
				single++
			}
			if math.IsNaN(a) || math.IsNaN(b) {
				continue
			}
			n++
			sum += a
			square += a * a
			product += a * b
		}
	}
	if n < float64(g.n*g.n)/3 {
		return -1
	}
	mean := sum / n
	variance := square/n - mean*mean
	if !(variance > 0) {
		return -1
	}
	return (product/n - mean*mean) / variance * n / (n + single)
}
