// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// Report returns the report of one examination. A result without vertebrae has a
// report that says why.
func Report(o *dicom.Origin, r *analysis.Result, by dicom.Provenance) (*dataset.Dataset, error) {
	d := &document{kind: Measurements, origin: o, by: by}
	root := d.root().add(library(o))
	root.add(d.evaluations(r))
	return d.write(root, nil)
}

// evaluations is what is said of the whole examination in words and codes.
func (d *document) evaluations(r *analysis.Result) *item {
	all := container(contains, code.QualitativeEvaluations)
	if r.Reason != "" {
		all.add(coded(contains, code.Finding, code.NoVertebra).add(text(hasProperties, code.Because, r.Reason)))
	}
	for _, w := range r.Warnings {
		all.add(text(contains, code.Warning, w.Code+": "+w.Message))
	}
	return all
}
