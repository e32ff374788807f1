// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

// In a narrow canal the laminae stand where a posterior wall is looked for, and
// their cortex is the brighter. What tells them apart is what lies before them: the
// canal, and then a second wall with soft tissue behind it. Nothing within a body
// looks like that over its height, however dark its cancellous bone: cortex is
// bright in osteoporosis too.
const (
	// A second wall is looked for between frontNear and frontFar before the first,
	// mm: a canal no narrower than the blur leaves free, and one whose lamina could
	// yet be taken for a wall.
	frontNear = 2.5
	frontFar  = 14.0
	// Its soft tissue, of at most softHU, is met between softNear and softFar behind
	// it, mm. Canals hold less than 100 HU without contrast agent.
	softNear, softFar = 1.0, 4.5
	softHU            = 110.0
	// frontLeast is the least score of an edge, in the median over the rows. Walls of
	// bodies before a lamina scored 1.7 to 3.5 in the five phantoms that had one taken
	// for a wall, and the insides of phantoms' bodies up to 0.2; on four real series
	// insides score up to 2.4, and are told apart by the soft tissue and the distance.
	// It was chosen with these cases in view.
	frontLeast = 1.0
	// nowhere is the score of a place that is not looked at.
	nowhere = -10.0
)

// wallBefore looks for a wall before the one traced at back with the canal between
// them, and returns it as trace does. It returns nil if there is none, as beside all
// canals that the trace has not left.
func (p profiles) wallBefore(back []float64, sigma float64) (at, score []float64) {
	if len(p.rows) == 0 {
		return nil, nil
	}
	gain := make([][]float64, len(p.rows))
	for r, row := range p.rows {
		gain[r] = make([]float64, len(row))
		for c := range row {
			gain[r][c] = nowhere
			if d := p.position(float64(c)) - back[r]; d >= frontNear && d <= frontFar && softBehind(row, c) {
				gain[r][c] = p.edge(r, c, sigma, false)
			}
		}
	}
	path := bestPath(gain, int(wallJump/wallStep), wallBend*wallStep)
	along := make([]float64, len(path))
	for r, c := range path {
		along[r] = gain[r][c]
	}
	if !(median(along) >= frontLeast) {
		return nil, nil
	}
	return p.refined(path, sigma, false)
}

// softBehind reports whether soft tissue lies behind sample c of a row that runs to
// anterior.
func softBehind(row []float64, c int) bool {
	for i := max(c-int(softFar/wallStep), 0); i <= c-int(softNear/wallStep); i++ {
		if row[i] < softHU {
			return true
		}
	}
	return false
}
