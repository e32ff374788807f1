// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// corrector applies corrections to a copy of a result.
type corrector struct {
	r       *Result
	index   int       // of the correction at hand
	placed  []touched // by vertebra: who last placed its points
	stale   bool      // what follows from the points is not told yet
	renamed bool      // names, or the chain itself, changed
}

// touched is the correction that placed the points of a vertebra last, and the field
// that said where; the field is empty where none did.
type touched struct {
	index int
	field string
}

// newCorrector copies of r what corrections change. What hangs on pointers is never
// changed, but replaced.
func newCorrector(r *Result) *corrector {
	own := *r
	own.Vertebrae, own.Findings = slices.Clone(r.Vertebrae), slices.Clone(r.Findings)
	return &corrector{r: &own, placed: make([]touched, len(r.Vertebrae)), stale: true}
}

func (c *corrector) indexOf(l spine.Level) int {
	return slices.IndexFunc(c.r.Vertebrae, func(v Vertebra) bool { return v.Level == l })
}

// find returns the vertebra of a level that a field names.
func (c *corrector) find(field string, l spine.Level) (int, *CorrectionError) {
	if !isVertebra(l) {
		return 0, refuse(field, "no vertebra")
	}
	i := c.indexOf(l)
	if i < 0 {
		return 0, refuse(field, phrase.Of("there is no %s", l))
	}
	return i, nil
}

func (c *corrector) finding(code string, levels []spine.Level) int {
	for k := range c.r.Findings {
		if f := &c.r.Findings[k]; f.Code == code && slices.Equal(f.Levels, levels) {
			return k
		}
	}
	return -1
}

func (c *corrector) touch(i int, field string) {
	c.placed[i], c.stale = touched{c.index, field}, true
}

func (c *corrector) untouch(i int) { c.placed[i] = touched{} }

// rename gives vertebra i a name and leaves the others theirs.
func (c *corrector) rename(i int, to spine.Level) *CorrectionError {
	vs := c.r.Vertebrae
	if j := c.indexOf(to); j >= 0 && j != i {
		return refuse("to", phrase.Of("another vertebra is %s", to))
	}
	if i > 0 && vs[i-1].Level.Order() >= to.Order() || i+1 < len(vs) && vs[i+1].Level.Order() <= to.Order() {
		return refuse("to", phrase.Of("%s would stand out of order", to))
	}
	vs[i].name(naming.Name{Level: to, Probability: 1})
	// What was said against a name may have been said of this one.
	c.dropWarnings("LEVELS_INCONSISTENT")
	c.stale, c.renamed = true, true
	return nil
}

// follow gives vertebra i a name and the others those that follow from it.
func (c *corrector) follow(i int, to spine.Level) *CorrectionError {
	chain, levels := c.r.chain()
	names, err := naming.Follow(chain, levels, i, to)
	if err != nil {
		return refuse("to", phrase.Why(err))
	}
	for k, n := range names {
		levels[k] = n.Level
		c.r.Vertebrae[k].name(n)
		c.r.Vertebrae[k].Reader.Named = false
	}
	// What the image said of the names is settled by the reader.
	c.dropWarnings("LEVELS_")
	if w, ok := naming.Transitional(levels); ok {
		c.r.Warnings = append(c.r.Warnings, Warning(w))
	}
	c.stale, c.renamed = true, true
	return nil
}

// dropWarnings drops those whose code begins so.
func (c *corrector) dropWarnings(code string) {
	c.r.Warnings = slices.DeleteFunc(slices.Clone(c.r.Warnings), func(w Warning) bool { return strings.HasPrefix(w.Code, code) })
}

// chain returns the vertebrae as naming sees them.
func (r *Result) chain() ([]localization.Vertebra, []spine.Level) {
	chain, levels := make([]localization.Vertebra, len(r.Vertebrae)), make([]spine.Level, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		levels[i] = v.Level
		chain[i] = localization.Vertebra{Center: v.Center, Truncated: v.Status == Truncated, Sacral: v.Level == spine.S1}
	}
	return chain, levels
}

// insert adds a vertebra where its level belongs.
func (c *corrector) insert(l spine.Level, points *landmark.Vertebra) (int, *CorrectionError) {
	vs := c.r.Vertebrae
	i := slices.IndexFunc(vs, func(v Vertebra) bool { return v.Level.Order() > l.Order() })
	if i < 0 {
		i = len(vs)
	}
	apart := func(upper, lower r3.Vec) bool { return r3.Dot(r3.Sub(upper, lower), points.SuperiorAxis) >= leastPitch }
	if i > 0 && !apart(vs[i-1].Center, points.Center) || i < len(vs) && !apart(points.Center, vs[i].Center) {
		return 0, refuse("landmarks", phrase.Of("they do not lie between the vertebrae above and below %s", l))
	}
	if c.r.Film != nil {
		c.ownFilm().Refusal = "" // a reader reads it
	}
	v := Vertebra{
		Level: l, LevelProbability: 1, Status: Measured, Complete: true, Center: points.Center, Landmarks: points,
		Canal: Canal{Reason: addedByReader}, Reader: Reader{Added: true, Named: true},
	}
	c.r.Vertebrae, c.placed = slices.Insert(vs, i, v), slices.Insert(c.placed, i, touched{})
	c.r.Reason, c.renamed = "", true
	return i, nil
}

// place gives a vertebra that was not measured its points.
func (c *corrector) place(i int, points *landmark.Vertebra) *CorrectionError {
	v := &c.r.Vertebrae[i]
	if v.Status == Measured {
		return refuse("level", phrase.Of("%s is there, and measured", v.Level))
	}
	if r3.Norm(r3.Sub(points.Center, v.Center)) > bodyReach {
		return refuse("landmarks", phrase.Of("they do not lie at the %s that was found", v.Level))
	}
	if v.Withdrawn != nil {
		v.Tissue = v.Withdrawn.Tissue
	}
	v.Status, v.Reason, v.Landmarks, v.Withdrawn, v.Center = Measured, "", points, nil, points.Center
	v.Reader.Status, v.Reader.Measured = true, nil
	return nil
}

func (c *corrector) remove(i int) {
	c.r.Vertebrae, c.placed = slices.Delete(c.r.Vertebrae, i, i+1), slices.Delete(c.placed, i, i+1)
	if len(c.r.Vertebrae) == 0 {
		c.r.Reason = "a reader removed every vertebra"
	}
	c.stale, c.renamed = true, true
}

const addedByReader phrase.Text = "a reader added the vertebra: its canal was not outlined"

// name gives a vertebra a name. Of the sacrum only the superior endplate counts.
func (v *Vertebra) name(n naming.Name) {
	was := v.Level
	v.Level, v.LevelProbability, v.LevelAlternative = n.Level, n.Probability, n.Alternative
	switch {
	case v.Status == Truncated || (was == spine.S1) == (n.Level == spine.S1):
	case n.Level == spine.S1:
		v.becomeSacrum()
	default:
		v.becomeVertebra()
	}
}

func (v *Vertebra) becomeSacrum() {
	points := v.Landmarks
	if v.Status == Measured {
		v.withdraw("")
	}
	v.Reason = sacrumReason
	switch {
	case v.Body != nil && v.Reader.Measured == nil:
		v.sacrum(v.Body)
	case points != nil:
		superior := *points
		superior.Inferior = landmark.Endplate{}
		v.Landmarks = &superior
	}
}

func (v *Vertebra) becomeVertebra() {
	superior := v.Landmarks
	switch w := v.Withdrawn; {
	case w != nil && w.Landmarks != nil:
		v.Status, v.Reason, v.Landmarks, v.Tissue, v.Withdrawn = Measured, w.Reason, w.Landmarks, w.Tissue, nil
	case v.Body != nil:
		v.Reason = ""
		v.measure(v.Body)
		v.Reader.Measured = nil
	default:
		v.Reason = "a vertebra above the sacrum has two endplates"
	}
	if v.Status != Measured {
		v.Landmarks = nil
		return
	}
	// Points that were moved while it was taken for the sacrum.
	if superior == nil {
		return
	}
	for n := landmark.SuperiorAnterior; n <= landmark.SuperiorPosterior; n++ {
		if p := superior.Point(n); p.ByReader && *p != *v.Landmarks.Point(n) {
			if v.Reader.Measured == nil && !v.Reader.Added {
				v.Reader.Measured = v.Landmarks
			}
			v.Landmarks = v.Landmarks.Moved(v.Reader.Measured, n, p.Position)
		}
	}
}

// withdraw sets aside what was measured.
func (v *Vertebra) withdraw(reason phrase.Text) {
	v.Withdrawn = &Withdrawn{Reason: v.Reason, Landmarks: v.Landmarks, Tissue: v.Tissue}
	v.Status, v.Reason, v.Landmarks, v.Tissue = NotMeasurable, reason, nil, nil
}

// restate tells anew what follows from the points and the names.
func (c *corrector) restate() *CorrectionError {
	if !c.stale {
		return nil
	}
	if err := c.checkPoints(); err != nil {
		return err
	}
	r, before := c.r, c.r.Findings
	if r.Film != nil {
		r.assessFilm()
	} else {
		r.assess()
		r.examineCanal()
		r.judgeTissue()
		r.describe()
	}
	for k := range r.Findings {
		f := &r.Findings[k]
		for _, was := range before {
			if was.Code == f.Code && was.Statement.String() == f.Statement.String() && slices.Equal(was.Levels, f.Levels) {
				f.Verdict, f.VerdictReason = was.Verdict, was.VerdictReason
			}
		}
	}
	if c.renamed {
		c.dropWarnings("VERTEBRA_MISSED")
		for _, w := range naming.Missed(r.chain()) {
			r.Warnings = append(r.Warnings, Warning(w))
		}
	}
	c.stale = false
	return nil
}

// isVertebra reports whether a level is one that a vertebra can have here.
func isVertebra(l spine.Level) bool {
	return l != spine.Unknown && l != spine.Coccyx && l <= spine.T13
}

// mostReason is the most characters of a reader's reason.
const mostReason = 1000

// unsaid says why a text is no reason; empty if it is one.
func unsaid(text string) phrase.Text {
	switch {
	case strings.TrimSpace(text) == "":
		return "a reason is needed"
	case !utf8.ValidString(text):
		return "not UTF-8"
	case utf8.RuneCountInString(text) > mostReason:
		return phrase.Of("more than %d characters", mostReason)
	case strings.ContainsFunc(text, unicode.IsControl):
		return "control characters"
	}
	return ""
}
