// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/phrase"
)

// Questions of the classifications that CT does not answer.
const (
	openOedema    phrase.Text = "bone marrow oedema (MR, STIR): whether the fracture is fresh"
	openLigaments phrase.Text = "posterior ligaments and tension band (AO types B and C, OF5)"
	openMovement  phrase.Text = "rotation, translation and distraction under load (AO type C, OF5)"
	openCause     phrase.Text = "cause: trauma, osteoporosis or tumour"
)

const (
	sourceAO phrase.Text = "AO Spine thoracolumbar classification, Vaccaro 2013, Spine 38:2028; RadElement RDES271"
	sourceOF phrase.Text = "OF classification, Schnake 2018, Global Spine J 8:46S"
)

// classRule is one class with what it asks of endplates, posterior wall and shape.
type classRule struct {
	system, class string
	criteria      []func(*FractureInput, *Fracture) ClassCriterion
	open          []phrase.Text
	source        phrase.Text
}

// classRules are the classes that CT can tell in part. OF5 and the types B and C
// rest on what it cannot.
//
// Reference: Vaccaro, Spine 2013;38:2028, and RadElement RDES271 (AO Spine);
// Schnake, Global Spine J 2018;8:46S (OF).
var classRules = []classRule{
	{"AO Spine", "A0", list(noEndplate, wallIntact, noLoss), []phrase.Text{openLigaments, openCause}, sourceAO},
	{"AO Spine", "A1", list(oneEndplate, wallIntact), []phrase.Text{openLigaments, openMovement, openOedema, openCause}, sourceAO},
	{"AO Spine", "A2", list(bothEndplates, wallIntact), []phrase.Text{openLigaments, openMovement, openOedema, openCause}, sourceAO},
	{"AO Spine", "A3", list(oneEndplate, wallInvolved), []phrase.Text{openLigaments, openMovement, openOedema, openCause}, sourceAO},
	{"AO Spine", "A4", list(bothEndplates, wallInvolved), []phrase.Text{openLigaments, openMovement, openOedema, openCause}, sourceAO},
	{"OF", "OF1", list(noEndplate, noLoss, wallIntact), []phrase.Text{openOedema, openCause}, sourceOF},
	{"OF", "OF2", list(oneEndplate, wallBelow, notCollapsed), []phrase.Text{openOedema, openLigaments, openMovement, openCause}, sourceOF},
	{"OF", "OF3", list(oneEndplate, wallAbove, notCollapsed), []phrase.Text{openOedema, openLigaments, openMovement, openCause}, sourceOF},
	{"OF", "OF4", list(bothOrCollapsed), []phrase.Text{openOedema, openLigaments, openMovement, openCause}, sourceOF},
}

func list(c ...func(*FractureInput, *Fracture) ClassCriterion) []func(*FractureInput, *Fracture) ClassCriterion {
	return c
}

// candidates returns the classes of which no criterion is answered with no.
func candidates(in *FractureInput, f *Fracture) []Candidate {
	var out []Candidate
	for _, r := range classRules {
		c := Candidate{System: r.system, Class: r.class, Open: r.open, Source: r.source}
		holds := true
		for _, ask := range r.criteria {
			answered := ask(in, f)
			holds = holds && answered.Answer != No
			c.Criteria = append(c.Criteria, answered)
		}
		if holds {
			out = append(out, c)
		}
	}
	return out
}

// endplatesAre answers whether the number of broken endplates is n, and says
// what that rests on.
func endplatesAre(f *Fracture, n int, text phrase.Text) ClassCriterion {
	least, most := f.broken()
	c := ClassCriterion{Text: text}
	switch {
	case least == n && most == n:
		c.Answer = Yes
	case n < least || n > most:
		c.Answer = No
	}
	c.Because = phrase.Of("superior: %s; inferior: %s", because(f.Superior), because(f.Inferior))
	return c
}

func because(e EndplateState) phrase.Text {
	if e.Because == "" {
		return e.Broken.Text()
	}
	return e.Because
}

func noEndplate(_ *FractureInput, f *Fracture) ClassCriterion {
	return endplatesAre(f, 0, "no endplate broken")
}

func oneEndplate(_ *FractureInput, f *Fracture) ClassCriterion {
	return endplatesAre(f, 1, "one endplate broken")
}

func bothEndplates(_ *FractureInput, f *Fracture) ClassCriterion {
	return endplatesAre(f, 2, "both endplates broken")
}

func wallIntact(_ *FractureInput, f *Fracture) ClassCriterion {
	c := ClassCriterion{Text: "posterior wall intact", Because: phrase.Of("posterior wall %s", f.Wall.Text())}
	switch f.Wall {
	case WallIntact:
		c.Answer = Yes
	case WallInvolved:
		c.Answer = No
	}
	return c
}

func wallInvolved(in *FractureInput, f *Fracture) ClassCriterion {
	c := wallIntact(in, f)
	c.Text = "posterior wall involved"
	c.Answer = opposite(c.Answer)
	return c
}

// wallAbove asks whether more than a fifth of the posterior wall is involved.
func wallAbove(_ *FractureInput, f *Fracture) ClassCriterion {
	c := ClassCriterion{Text: phrase.Of("more than %g of the posterior wall involved", WallShareOF), Because: phrase.Of("posterior wall %s", f.Wall.Text())}
	switch {
	case f.Wall == WallIntact:
		c.Answer = No
	case f.WallShare == nil:
		c.Because = phrase.Of("%s, its share is not known", c.Because)
	default:
		c.Because = phrase.Of("%s, %.0f %% of it without cortical bone", c.Because, 100**f.WallShare)
		// A displaced wall may be broken over more than its gaps.
		if *f.WallShare > WallShareOF {
			c.Answer = Yes
		} else if f.Wall != WallInvolved {
			c.Answer = No
		}
	}
	return c
}

func wallBelow(in *FractureInput, f *Fracture) ClassCriterion {
	c := wallAbove(in, f)
	c.Text = phrase.Of("less than %g of the posterior wall involved", WallShareOF)
	c.Answer = opposite(c.Answer)
	return c
}

func opposite(a Answer) Answer {
	switch a {
	case Yes:
		return No
	case No:
		return Yes
	}
	return CannotTell
}

func noLoss(in *FractureInput, _ *Fracture) ClassCriterion {
	c := ClassCriterion{Text: "no loss of height"}
	if d := in.Deformity; d != nil && d.Assessed {
		c.Answer, c.Because = Yes, phrase.Of("%.0f %% at most", d.WorstLoss)
		if d.Grade > 0 {
			c.Answer = No
		}
	}
	return c
}

// collapsed asks for severe collapse or vertebra plana: what OF4 calls loss of
// the frame or collapse has no number in its source.
func collapsed(in *FractureInput, _ *Fracture) ClassCriterion {
	c := ClassCriterion{Text: "body collapsed"}
	if d := in.Deformity; d != nil && d.Assessed {
		c.Answer, c.Because = No, phrase.Of("worst height %.0f %% of the expected", 100-d.WorstLoss)
		if d.Severe || d.VertebraPlana {
			c.Answer = Yes
		}
	}
	return c
}

func notCollapsed(in *FractureInput, f *Fracture) ClassCriterion {
	c := collapsed(in, f)
	c.Text, c.Answer = "body not collapsed", opposite(c.Answer)
	return c
}

func bothOrCollapsed(in *FractureInput, f *Fracture) ClassCriterion {
	both, fallen := bothEndplates(in, f), collapsed(in, f)
	c := ClassCriterion{Text: "both endplates broken or body collapsed", Because: phrase.Join("; ", both.Because, fallen.Because)}
	switch {
	case both.Answer == Yes || fallen.Answer == Yes:
		c.Answer = Yes
	case both.Answer == No && fallen.Answer == No:
		c.Answer = No
	}
	return c
}
