// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection

import "math"

// attenuation holds the mass attenuation coefficient of liquid water, cm²/g, with
// coherent scattering, by photon energy in keV: Hubbell and Seltzer, NISTIR 5632, table 4.
var attenuation = [...]struct{ keV, cm2PerG float64 }{
	{30, 0.3756}, {40, 0.2683}, {50, 0.2269}, {60, 0.2059}, {80, 0.1837}, {100, 0.1707}, {150, 0.1505},
}

// WaterAttenuation returns the linear attenuation coefficient of water, 1/mm, at a photon
// energy of 30 to 150 keV, log-log between the energies of the table and NaN beyond them.
func WaterAttenuation(keV float64) float64 {
	for i := range attenuation[1:] {
		a, b := attenuation[i], attenuation[i+1]
		if keV >= a.keV && keV <= b.keV {
			t := math.Log(keV/a.keV) / math.Log(b.keV/a.keV)
			const mmPerCM = 10 // 1 g/cm³
			return a.cm2PerG * math.Pow(b.cm2PerG/a.cm2PerG, t) / mmPerCM
		}
	}
	return math.NaN()
}
