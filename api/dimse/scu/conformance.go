// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scu

import (
	_ "embed"
	"io"
	"slices"
	"text/template"
	"time"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse"
)

//go:embed conformance.md.tmpl
var statement string

var statementTemplate = template.Must(template.New("conformance").Parse(statement))

// WriteConformance writes what a DICOM Conformance Statement says of this package, in
// Markdown, where made are the objects that are sent. PS3.2 annex N.
func WriteConformance(w io.Writer, made []dicom.Kind) error {
	c := conformance{}
	c.add("C-ECHO", dimse.VerificationSOPClass, syntaxes)
	for _, k := range made {
		known := slices.ContainsFunc(c.Made, func(o object) bool { return o.SOPClassUID == k.SOPClassUID })
		c.Made = append(c.Made, object{k, dimse.NameOf(k.SOPClassUID)})
		if known {
			continue
		}
		var proposed []string
		for _, p := range storage([]Instance{{SOPClassUID: k.SOPClassUID, TransferSyntaxUID: dimse.ExplicitVRLittleEndian}}) {
			proposed = append(proposed, p.TransferSyntaxes...)
		}
		c.add("C-STORE", k.SOPClassUID, proposed)
	}
	c.add("C-FIND", dimse.StudyRootFind, syntaxes)
	c.add("C-MOVE", dimse.StudyRootMove, syntaxes)
	return statementTemplate.Execute(w, c)
}

// conformance is what the template is filled in from.
type conformance struct {
	Services []asked
	Made     []object
}

// asked is a service that is asked for.
type asked struct {
	Service, Name, UID string
	Syntaxes           []string
}

// object is a kind of object that is made.
type object struct {
	dicom.Kind
	ClassName string
}

// AnswerTime and MoveTime are how long the peer may take.
func (conformance) AnswerTime() time.Duration { return answerTime }
func (conformance) MoveTime() time.Duration   { return moveTime }

func (c *conformance) add(service, class string, syntaxes []string) {
	a := asked{Service: service, Name: dimse.NameOf(class), UID: class}
	for _, s := range syntaxes {
		a.Syntaxes = append(a.Syntaxes, dimse.NameOf(s))
	}
	c.Services = append(c.Services, a)
}
