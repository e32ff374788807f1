// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/internal/fault"
)

// PublishTask asks for the DICOM objects that tell of a result.
type PublishTask struct {
	Files     []InstanceFile // that the result is of
	Options   []byte         // by which it came about, endplate.v1.AnalysisOptions
	Stored    Stored
	Revisions []Revision // by which it came about: that of the result is the last
	Kinds     []string   // of objects, as Kinds lists them
	Folder    string     // that they are written to
}

// Revision says of a revision of a result what its objects tell.
type Revision struct {
	Author      string
	CreatedAt   time.Time
	Reviewed    bool
	Corrections []byte // against the one before
}

// ObjectFile is a file that holds an object.
type ObjectFile struct{ Kind, Path string }

// publish makes the objects. The same task makes the same bytes.
func (p Producer) publish(ctx context.Context, t *PublishTask, stage func(string, float64)) (*Done, error) {
	stage("verifying", 0)
	if err := verify(t.Files); err != nil {
		return nil, err
	}
	stored, err := t.Stored.Decode()
	if err != nil {
		return nil, fault.Wrap(err, fault.Corrupt, fault.StoredDataCorrupt, "what is stored of the result cannot be read")
	}
	if len(t.Revisions) == 0 {
		return nil, errors.New("no revision")
	}
	in := sortInstances(t.Files)
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		return nil, err
	}
	defer catalog.Close()
	all := in.Series(catalog, nil)
	done := &Done{}
	for _, s := range stored {
		if s.Stack < 0 || s.Stack >= len(all) {
			return nil, fault.New(fault.Corrupt, fault.StoredDataCorrupt, "the result is of stack %d of %d", s.Stack, len(all))
		}
		one := &publication{producer: p, task: t, series: &all[s.Stack], stored: s, done: done}
		if err := one.publish(ctx, stage); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// publication makes the objects of one stack.
type publication struct {
	producer Producer
	task     *PublishTask
	series   *Series
	stored   StoredSeries
	volume   *volume.Volume // once it was needed
	done     *Done
}

func (p *publication) publish(ctx context.Context, stage func(string, float64)) error {
	origin, err := p.series.origin()
	if err != nil {
		return fault.Wrap(err, fault.Invalid, fault.MissingAttribute, "what the objects would take over from the images cannot be read: %v", err)
	}
	for _, k := range kinds {
		if !slices.Contains(p.task.Kinds, k.name) {
			continue
		}
		stage("making "+k.name, 0)
		if k.pixels && p.volume == nil {
			if p.volume, err = p.series.Volume(ctx); err != nil {
				return err
			}
		}
		if err := p.make(k, origin); err != nil && !nothing(err) {
			p.failed(k.name, err)
		}
	}
	return nil
}

// make makes the objects of a kind.
func (p *publication) make(k resultKind, origin *dicom.Origin) error {
	objects, err := k.derive(p.provenance(origin, k.kind))(origin, p.stored.Result.Placed(p.volume), p.stored.Result)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := p.done.add(p.task.Folder, k.name, o); err != nil {
			return err
		}
	}
	return nil
}

// failed notes why objects of a kind could not be made: the first of the reasons. What
// stands in the way of one kind, such as a value that cannot be repeated, must not keep
// the others back.
func (p *publication) failed(kind string, err error) {
	if p.done.Reason == "" {
		d := fault.Public(fault.New(fault.Unsupported, fault.Bug, "the %s cannot be made: %v", kind, err))
		p.done.Reason, p.done.Text = d.Reason, d.Text
	}
}

// add writes an object to a file of a folder.
func (d *Done) add(folder, kind string, o *dataset.Dataset) error {
	var b bytes.Buffer
	if err := o.WriteFile(&b); err != nil {
		return err
	}
	path := filepath.Join(folder, fmt.Sprintf("%d.%s.dcm", len(d.Objects), kind))
	d.Objects = append(d.Objects, ObjectFile{kind, path})
	return os.WriteFile(path, b.Bytes(), 0o600)
}

// provenance says how an object of a kind comes to be.
func (p *publication) provenance(origin *dicom.Origin, kind dicom.Kind) dicom.Provenance {
	by := p.producer.ofRevision(p.task.Options, p.task.Revisions)
	if n := len(p.task.Revisions) - 1; n > 0 {
		by.Previous = origin.InstanceUID(kind, p.producer.ofRevision(p.task.Options, p.task.Revisions[:n]))
	}
	return by
}

// ofRevision says how the objects of the last of the revisions come to be.
func (p Producer) ofRevision(options []byte, revisions []Revision) dicom.Provenance {
	n := len(revisions) - 1
	v := revisions[n]
	by := dicom.Provenance{
		Program: p.Name, Version: p.Version,
		Revision: n, Author: v.Author, Reviewed: v.Reviewed, ContentTime: v.CreatedAt,
		Changes: changes(revisions[1:]),
	}
	if film := filmParameters(options); film != "" {
		by.Options, by.Parameters = film, film
	}
	if fixed, err := fixedOf(options); err == nil && fixed != nil { // it was measured by them
		at := fixed.Position
		by.Options = fmt.Sprintf("level=%v@%g,%g,%g", fixed.Level, at.X, at.Y, at.Z)
		by.Parameters = fmt.Sprintf("level fixed: %v@%g,%g,%g", fixed.Level, at.X, at.Y, at.Z)
	}
	return by
}

// filmParameters says what options tell of a film; empty if nothing.
func filmParameters(options []byte) string {
	m, err := optionsOf(options)
	if err != nil {
		return "" // it was measured by them
	}
	film, said := filmOptionsOf(m)
	if !said {
		return ""
	}
	var b strings.Builder
	for _, s := range film.Seeds {
		fmt.Fprintf(&b, "seed %v@%g,%g ", s.Level, s.Center.Col, s.Center.Row)
	}
	if f := film.Fixed; f != nil {
		fmt.Fprintf(&b, "level fixed: %v@%g,%g ", f.Level, f.At.Col, f.At.Row)
	}
	if film.Anterior != outline.UnknownSide {
		fmt.Fprintf(&b, "anterior %d ", film.Anterior)
	}
	if film.Distance > 0 {
		p, q := film.Between[0], film.Between[1]
		fmt.Fprintf(&b, "%g mm between %g,%g and %g,%g", film.Distance, p.Col, p.Row, q.Col, q.Row)
	}
	return strings.TrimSpace(b.String())
}

// changes stands for what readers changed: the same only for the same.
func changes(revisions []Revision) string {
	if len(revisions) == 0 {
		return ""
	}
	h := sha256.New()
	for _, v := range revisions {
		fmt.Fprintf(h, "%q %t %d ", v.Author, v.Reviewed, len(v.Corrections))
		h.Write(v.Corrections)
	}
	return hex.EncodeToString(h.Sum(nil))
}
