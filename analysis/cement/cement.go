// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"context"
	"slices"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// Treated is the cement of one vertebra.
type Treated struct {
	Vertebra int // index among the vertebrae given to Find

	Volume   float64 // of all the cement, with its leaks, ml
	VolumeSD float64 // standard deviation of Volume, ml
	Inside   float64 // of what did not leak, in the body and its pedicles, ml
	// BodyShare is Inside as a part of the body's volume, 0 to 1; 0 if the body
	// has no outline.
	BodyShare float64
	// Left is the share of Inside to the patient's left of the mid-sagittal
	// plane, 0 to 1.
	Left     float64
	Contacts [2]Contact // by spine.Endplate; zero if the body has no outline
	Leaks    []Leak     // by place; none is reported if the body has no outline

	Attenuation    float64 // median of the cement's core, HU
	SaturatedShare float64 // of the core at the scanner's ceiling, 0 to 1

	// Confidence, 0 to 1, is how sure it is that this is cement and that the
	// volume holds: a score by design, no calibrated probability. Doubts say
	// what lowers it.
	Confidence float64
	Doubts     []Doubt

	Mask Mask
}

// Contact is how cement lies to an endplate.
type Contact struct {
	Gap     float64 // least distance to the endplate's outer face, mm; negative beyond it
	Area    float64 // of the endplate within contactGap of cement, mm²
	Touches bool    // Gap is at most contactGap
}

// Place is where cement leaked to. Yeom et al. (Spine 2003; PubMed 12585583) call
// the way into the canal along the basivertebral vein B, that along a segmental
// vein S, and that through a defect of the cortex C; later authors the disc D.
type Place uint8

// The places.
const (
	Canal         Place = iota + 1 // epidural, before the dura: Yeom's B
	Foramen                        // beside the canal, below or above the pedicle
	Paravertebral                  // beside or before the body: Yeom's S, or C
	SuperiorDisc
	InferiorDisc
)

var placeNames = [...]phrase.Text{Canal: "canal", Foramen: "foramen", Paravertebral: "paravertebral", SuperiorDisc: "disc above", InferiorDisc: "disc below"}

// Text returns the place's name.
func (p Place) Text() phrase.Text {
	if int(p) < len(placeNames) {
		return placeNames[p]
	}
	return ""
}

func (p Place) String() string { return p.Text().String() }

func (p Place) isDisc() bool { return p == SuperiorDisc || p == InferiorDisc }

// Leak is cement beyond the body's surface.
type Leak struct {
	Place    Place
	Volume   float64 // ml
	Distance float64 // of its farthest point from the body's surface, mm
}

// Doubt is a reason why cement, or its volume, is uncertain.
type Doubt = phrase.Text

// The doubts.
const (
	DoubtFaint     Doubt = "attenuation that a dense bone island or sclerosis can reach"
	DoubtSmall     Doubt = "less than half a millilitre"
	DoubtMetal     Doubt = "metal near by"
	DoubtSaturated Doubt = "attenuation at the scanner's ceiling: cement, or metal such as a stent"
	DoubtOutline   Doubt = "the body has no outline: leaks not assessed"
	DoubtThick     Doubt = "slices thicker than the cement is wide"
)

// Metal tells of a vertebra in or beside which lies metal.
type Metal struct {
	Vertebra int     // index among the vertebrae given to Find
	Volume   float64 // within 10 mm of the body, ml; of the saturated voxels, which is more than the metal's own
	InBody   bool    // some of it lies in the body, such as a pedicle screw
}

// Finding is what Find finds.
type Finding struct {
	Treated []Treated // from superior to inferior
	Metal   []Metal
}

// Has reports whether vertebra i holds cement or metal: its attenuation and its
// shape then say nothing of its bone.
func (f *Finding) Has(i int) bool {
	for _, t := range f.Treated {
		if t.Vertebra == i {
			return true
		}
	}
	for _, m := range f.Metal {
		if m.Vertebra == i && m.InBody {
			return true
		}
	}
	return false
}

// hasMetal reports whether metal lies in or near vertebra i.
func (f *Finding) hasMetal(i int) bool {
	return slices.ContainsFunc(f.Metal, func(m Metal) bool { return m.Vertebra == i })
}

// Mask is a box of voxels of the volume searched, with the share of each that is
// cement. Fraction is ordered as the volume's samples, columns first.
type Mask struct {
	Origin   [3]int // first voxel: column, row, slice
	Size     [3]int
	Fraction []uint8 // 255 is all of it
}

// Share returns the mask as a volume of shares, 0 to 255, in a border of voxels that
// hold none; grid is that of the volume searched. It is nil if the mask is empty or
// does not hold what it says.
func (m *Mask) Share(grid volume.Geometry) *volume.Volume {
	columns, rows, slices := m.Size[0], m.Size[1], m.Size[2]
	if min(columns, rows, slices) <= 0 || len(m.Fraction) != columns*rows*slices {
		return nil
	}
	grid.Origin = grid.Position(float64(m.Origin[0]-1), float64(m.Origin[1]-1), float64(m.Origin[2]-1))
	grid.Columns, grid.Rows, grid.Slices = columns+2, rows+2, slices+2
	v := &volume.Volume{Geometry: grid, Samples: make([]int16, grid.Columns*grid.Rows*grid.Slices)}
	for k := range slices {
		for j := range rows {
			to := v.Samples[((k+1)*grid.Rows+j+1)*grid.Columns+1:]
			for i, share := range m.Fraction[(k*rows+j)*columns:][:columns] {
				to[i] = int16(share)
			}
		}
	}
	return v
}

// Find tells which vertebrae of found hold cement, and where it lies. The regions
// belong to the vertebrae of found one by one, outlined in d.Removed(); nil where
// a body has no outline. Sacral and cut bodies are judged as all others. Of a
// vertebra with a region only Canal is read, and that may be zero.
//
// The error is ctx's.
func (d *Dense) Find(ctx context.Context, found *localization.Spine, regions []*segmentation.Region) (*Finding, error) {
	out := &Finding{}
	if d.Empty() {
		return out, nil
	}
	sites := d.newSites(found, regions)
	metal := d.metal(sites)
	out.Metal = d.instrumented(sites, metal)
	held := d.seeds(sites, metal)
	g := newGrid(d.vol)
	for i := range sites {
		least := leastSeed
		if out.hasMetal(i) {
			least = leastSeedAtMetal
		}
		sites[i].treated = float64(len(held[i]))*g.voxel() >= least
	}
	for i := range sites {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !sites[i].treated {
			continue
		}
		w := d.newWork(sites, i, held, metal)
		out.Treated = append(out.Treated, w.treated(out.hasMetal(i)))
	}
	return out, nil
}

const (
	// leastSeed, mm³, is the least dense volume inside a body that is taken for
	// cement, and leastSeedAtMetal where streaks may be dense: design values.
	leastSeed        = 60.0
	leastSeedAtMetal = 250.0
	// seedDepth, mm, is how far inside the body's surface such volume must lie.
	seedDepth = 1.5
)
