// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

// What lowers the confidence, and by how much. Design values.
const (
	// faintHU: dense bone islands read up to about 1,300 HU (Ulano et al., AJR
	// 2016;207:362; unverified).
	faintHU       = 1300
	faintFactor   = 0.6
	smallML       = 0.5
	smallFactor   = 0.7
	metalFactor   = 0.6
	manySaturated = 0.5
	fullFactor    = 0.7
	blockFactor   = 0.7
	thickFactor   = 0.8
)

// The standard deviation of a volume: a part of it, and what the least leak or
// vein that is overlooked holds. From phantoms in 1 mm slices.
const (
	volumeSDShare = 0.02
	volumeSDLeast = 0.03 // ml
)

// judge sets the confidence, the doubts and the volume's standard deviation.
func (t *Treated) judge(w *work, atMetal bool) {
	t.Confidence = 1
	t.VolumeSD = volumeSDLeast + volumeSDShare*t.Volume
	doubt := func(is bool, d Doubt, factor float64) {
		if is {
			t.Doubts = append(t.Doubts, d)
			t.Confidence *= factor
			t.VolumeSD /= factor
		}
	}
	doubt(t.Attenuation < faintHU, DoubtFaint, faintFactor)
	doubt(t.Volume < smallML, DoubtSmall, smallFactor)
	doubt(atMetal, DoubtMetal, metalFactor)
	doubt(t.SaturatedShare > manySaturated, DoubtSaturated, fullFactor)
	doubt(!w.sites[w.i].outlined, DoubtOutline, blockFactor)
	doubt(w.dz > coreReach*2, DoubtThick, thickFactor)
}
