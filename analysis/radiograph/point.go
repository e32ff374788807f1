// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package radiograph

import "math"

// ImagePoint is a point of a film in columns to the right and rows downwards from the
// outer corner of the first pixel, as SCOORD counts: that pixel's centre is at
// (0.5, 0.5). PS3.3 C.18.6.1.2.
type ImagePoint struct{ Col, Row float64 }

// Distance returns the distance of two points, pixels.
func (p ImagePoint) Distance(q ImagePoint) float64 { return math.Hypot(p.Col-q.Col, p.Row-q.Row) }
