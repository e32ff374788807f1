// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"slices"

	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

const sacrumOnFilm phrase.Text = "the sacrum's endplate is read on few films, and not surely"

// filmAngles returns the changes of the angles that both examinations have. One that ends
// at the sacrum is shown and not judged.
func (c *Comparison) filmAngles(all *changes) []AngleChange {
	var out []AngleChange
	for _, b := range c.Before.Angles {
		i := slices.IndexFunc(c.After.Angles, func(a morphometry.Angle) bool {
			return a.Name == b.Name && a.Level == b.Level && a.From == b.From && a.To == b.To
		})
		if i < 0 {
			continue
		}
		a := c.After.Angles[i]
		change := all.between(c, &morphometry.Estimate{Value: b.Degrees, SD: b.SD}, &morphometry.Estimate{Value: a.Degrees, SD: a.SD}, angleNoise)
		if b.To.Level == spine.S1 {
			change.Reason = sacrumOnFilm
		}
		out = append(out, AngleChange{b.Name, b.Level, b.From, b.To, change})
	}
	return out
}
