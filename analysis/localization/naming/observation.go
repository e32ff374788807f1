// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// observation is what the image and the chain show of one spine.
type observation struct {
	vertebrae []localization.Vertebra
	geometry  *geometry

	left, right []reach   // of a vertebra above the chain, of each, and of one below
	lung        []float64 // share of lung beside each, NaN where not seen
}

func observe(ctx context.Context, vol *volume.Volume, chain []localization.Vertebra) (*observation, error) {
	o := &observation{vertebrae: chain, geometry: newGeometry(chain)}
	p := newPath(chain)
	pitch := make([]float64, len(chain))
	for i := range chain {
		pitch[i] = o.pitchAt(i) / stepMM
	}
	l, err := newBoneMap(ctx, vol, p, left)
	if err != nil {
		return nil, err
	}
	r, err := newBoneMap(ctx, vol, p, right)
	if err != nil {
		return nil, err
	}
	tl, tr := follow(l, r, p.center, pitch)
	for i := range tl {
		o.left, o.right = append(o.left, tl[i].reach()), append(o.right, tr[i].reach())
	}
	sampler, inside := vol.Sampler(), extentOf(vol)
	for i := range chain {
		share, ok := lungBeside(&sampler, inside, p.frames[int(math.Round(p.center[i]))])
		if !ok {
			share = math.NaN()
		}
		o.lung = append(o.lung, share)
	}
	return o, nil
}

// lonePitch stands in for the pitch of a chain of one vertebra, mm.
const lonePitch = 28.0

// pitchAt returns the usual pitch about vertebra i, mm.
func (o *observation) pitchAt(i int) float64 {
	if len(o.geometry.pitch) == 0 {
		return lonePitch
	}
	k := min(i, len(o.geometry.pitch)-1)
	return min(o.geometry.pitch[k], neighbourPitch(o.geometry.pitch, k)*oddPitchRatio)
}

const (
	// sideWeight tempers the reaches: left and right of a vertebra are misread
	// for the same reasons.
	sideWeight = 0.7

	// The chain's mark of the first sacral segment is right in all but one in
	// thirty series, wrong by one vertebra otherwise; it is missing where the
	// sacrum is cut or doubtful.
	sacralHit, sacralOne, sacralFar = 0.95, 0.04, 0.0005
	unmarkedSacrum                  = 0.25
)

// logLikelihood returns the log-likelihood of everything but the geometry.
func (o *observation) logLikelihood(h hypothesis) float64 {
	sum := 0.0
	for i := range o.vertebrae {
		sum += o.sacralLogLikelihood(i, h)
		if !math.IsNaN(o.lung[i]) {
			sum += lungLogLikelihood(o.lung[i], h.at(i, 0).lung)
		}
	}
	return sum + o.reachLogLikelihood(h, -1, len(o.vertebrae)+1, 0)
}

// reachLogLikelihood returns the log-likelihood of the reaches of vertebrae
// [from, to) if h holds, with all names moved down by move sites; -1 is the
// vertebra above the chain, and the chain's length that below. It weighs all body
// sizes.
func (o *observation) reachLogLikelihood(h hypothesis, from, to, move int) float64 {
	var sums [len(bodySizes)]float64
	for k, b := range bodySizes {
		for i := from; i < to; i++ {
			m := h.at(i, move).reach
			sums[k] += m.logLikelihood(o.left[i+1], b.scale) + m.logLikelihood(o.right[i+1], b.scale)
		}
		sums[k] = sideWeight*sums[k] + b.logWeight
	}
	return floats.LogSumExp(sums[:])
}

func (o *observation) sacralLogLikelihood(i int, h hypothesis) float64 {
	below := len(h.column.sites) - 1 - h.site(i) // 0 at the sacrum
	switch {
	case !o.vertebrae[i].Sacral && below == 0:
		return math.Log(unmarkedSacrum)
	case !o.vertebrae[i].Sacral:
		return 0
	case below == 0:
		return math.Log(sacralHit)
	case below == 1:
		return math.Log(sacralOne)
	}
	return math.Log(sacralFar)
}

const (
	// The end of the ribs is an anchor if the names about it have a probability of
	// anchorSure and the reaches of the vertebrae within anchorSpan of it beat the same names
	// moved by one vertebra by anchorOdds, in log-likelihood.
	anchorSure = 0.8
	anchorOdds = 1.0
	anchorSpan = 3
)

// anchors returns what the names, those of h, rest on.
func (o *observation) anchors(h hypothesis, names []Name) []string {
	var out []string
	for i := -1; i < len(names); i++ {
		upper, lower := names[max(i, 0)], names[min(i+1, len(names)-1)]
		if min(upper.Probability, lower.Probability) < anchorSure || !o.transition(h, i) {
			continue
		}
		switch {
		case h.level(i) == spine.C7 && h.level(i+1) == spine.T1:
			out = append(out, "first rib")
		case h.level(i).Region() == spine.Thoracic && h.level(i+1) == spine.L1:
			out = append(out, "last rib")
		}
	}
	for i, v := range o.vertebrae {
		if v.Sacral && h.level(i) == spine.S1 {
			out = append(out, "sacrum")
		}
	}
	if len(out) == 0 && leastSure(names).Probability >= doubtful && o.beats(h, -1, len(names)+1) {
		out = append(out, "ribs and proportions")
	}
	return out
}

// transition reports whether the reaches about vertebrae i and i+1 speak for the
// names of h.
func (o *observation) transition(h hypothesis, i int) bool {
	return o.beats(h, max(i+1-anchorSpan, -1), min(i+1+anchorSpan, len(o.vertebrae)+1))
}

// beats reports whether the reaches of vertebrae [from, to) fit the names of h
// better than the same names moved up or down.
func (o *observation) beats(h hypothesis, from, to int) bool {
	best := max(o.reachLogLikelihood(h, from, to, -1), o.reachLogLikelihood(h, from, to, 1))
	return o.reachLogLikelihood(h, from, to, 0)-best > anchorOdds
}
