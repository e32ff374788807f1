// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/phrase"
)

// Options control Scan.
type Options struct {
	// MinSlices is the least number of slices that make a volume; 0 means 3, which
	// leaves out localizers that do not say what they are.
	MinSlices int

	// Progress, if not nil, is called now and then, by one goroutine at a time.
	Progress func(Progress)
}

const defaultMinSlices = 3

// Progress tells how far Scan or Stack.Read has come.
type Progress struct {
	Reading bool // pixels are being read; otherwise headers
	Done    int  // sources or slices
	Total   int  // slices; 0 while sources are still being found
}

// Catalog is what Scan found.
type Catalog struct {
	Stacks   []*Stack      // ordered by StudyInstanceUID and SeriesInstanceUID
	Films    []*Radiograph // ordered by StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID
	Skipped  []Skipped     // ordered by name
	NotDICOM int           // files passed over because they are not DICOM images at all

	archives []io.Closer
}

// Close closes the archives that stacks read from. Stacks cannot be read
// afterwards.
func (c *Catalog) Close() error {
	var errs []error
	for _, a := range c.archives {
		errs = append(errs, a.Close())
	}
	c.archives = nil
	return errors.Join(errs...)
}

// Scan reads the headers of all sources and sorts them into stacks. Sources that
// cannot be used are in the catalog's Skipped; the error is only ever that of ctx.
// The order of the sources makes no difference.
func Scan(ctx context.Context, sources iter.Seq2[Source, error], opt Options) (*Catalog, error) {
	s := &scanner{progress: &progress{report: opt.Progress}}
	s.run(ctx, sources)
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, s.catalog.Close())
	}
	s.assemble(cmp.Or(opt.MinSlices, defaultMinSlices))
	return &s.catalog, nil
}

// scanner gathers what the workers of Scan find.
type scanner struct {
	progress *progress

	mu        sync.Mutex
	instances []*instance
	catalog   Catalog
}

// progress counts and reports.
type progress struct {
	report func(Progress)
	mu     sync.Mutex
	now    Progress
}

func (p *progress) start(reading bool, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = Progress{Reading: reading, Total: total}
}

func (p *progress) step() {
	if p.report == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Done++
	p.report(p.now)
}

// workers returns how many goroutines read at a time. More than a few gain
// nothing from a disk and take memory for their buffers.
func workers() int { return min(runtime.GOMAXPROCS(0), 4) }

// run reads all headers.
func (s *scanner) run(ctx context.Context, sources iter.Seq2[Source, error]) {
	queue := make(chan Source)
	var wg sync.WaitGroup
	for range workers() {
		wg.Go(func() {
			head := make([]byte, element.FirstRead)
			for src := range queue {
				if ctx.Err() == nil {
					s.read(ctx, src, head)
					s.progress.step()
				}
			}
		})
	}
	for src, err := range sources {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			s.skip(src, &instance{}, fmt.Errorf("%w: %w", ErrUnreadable, err))
			continue
		}
		queue <- src
	}
	close(queue)
	wg.Wait()
}

// read reads the header of src, or those of its members if it is an archive.
// head is a buffer for its beginning.
func (s *scanner) read(ctx context.Context, src Source, head []byte) {
	rc, err := src.Open()
	if err != nil {
		s.skip(src, &instance{}, fmt.Errorf("%w: %w", ErrUnreadable, err))
		return
	}
	n, err := io.ReadFull(rc, head[:min(int64(len(head)), src.Size)])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		rc.Close()
		s.skip(src, &instance{}, fmt.Errorf("%w: %w", ErrUnreadable, err))
		return
	}
	if isZip(head[:n]) {
		s.readArchive(ctx, src, rc, head)
		return
	}
	defer rc.Close()
	in, err := readInstance(head[:n], io.LimitReader(rc, src.Size-int64(n)), src.Size)
	in.content.source = src
	_, in.content.random = rc.(io.ReaderAt)
	in.content.random = in.content.random && in.content.inflateFrom == 0
	if isForeignObject(err) {
		s.film(src, in, err)
		return
	}
	if err != nil {
		s.skip(src, in, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instances = append(s.instances, in)
}

// readArchive reads the headers of an archive's members. The archive stays open
// for the pixels if there is any instance in it.
func (s *scanner) readArchive(ctx context.Context, src Source, rc io.ReadCloser, head []byte) {
	at, ok := rc.(io.ReaderAt)
	if !ok {
		rc.Close()
		s.skip(src, &instance{}, fmt.Errorf("%w: %w", ErrUnreadable, errNestedArchive))
		return
	}
	files, err := members(src.Name, at, src.Size)
	if err != nil {
		rc.Close()
		s.skip(src, &instance{}, err)
		return
	}
	s.mu.Lock()
	s.catalog.archives = append(s.catalog.archives, rc)
	s.mu.Unlock()
	for _, f := range files {
		if ctx.Err() != nil {
			return
		}
		s.read(ctx, f, head)
	}
}

// skip notes that src was not used.
func (s *scanner) skip(src Source, in *instance, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	quiet := errors.Is(err, ErrNotDICOM) || errors.Is(err, errDirectory)
	if quiet {
		s.catalog.NotDICOM++
		if !src.Named {
			return
		}
	}
	s.catalog.Skipped = append(s.catalog.Skipped, Skipped{
		Name:              src.Name,
		StudyInstanceUID:  in.studyUID,
		SeriesInstanceUID: in.seriesUID,
		SOPInstanceUID:    in.sopUID,
		Instances:         1,
		Code:              CodeOf(err),
		Reason:            err.Error(),
	})
}

// assemble sorts the instances into stacks.
func (s *scanner) assemble(minSlices int) {
	s.catalog.Films = sortFilms(s.catalog.Films)
	s.catalog.Skipped = mergeSkipped(s.catalog.Skipped)
	bySeries := map[[2]string][]*instance{}
	var keys [][2]string
	for _, in := range s.instances {
		k := [2]string{in.studyUID, in.seriesUID}
		if bySeries[k] == nil {
			keys = append(keys, k)
		}
		bySeries[k] = append(bySeries[k], in)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	bad := s.catalog.Skipped
	for _, k := range keys {
		stacks, skipped := assemble(bySeries[k], minSlices)
		for _, stack := range stacks {
			stack.progress = s.progress
			stack.Warnings = append(stack.Warnings, badSlices(bad, k[1])...)
		}
		s.catalog.Stacks = append(s.catalog.Stacks, stacks...)
		s.catalog.Skipped = append(s.catalog.Skipped, skipped...)
	}
	slices.SortStableFunc(s.catalog.Skipped, bySkippedName)
}

func bySkippedName(a, b Skipped) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Code), string(b.Code)), strings.Compare(a.SOPInstanceUID, b.SOPInstanceUID))
}

// mergeSkipped keeps one entry for all instances of a series that were skipped for
// one reason.
func mergeSkipped(skipped []Skipped) []Skipped {
	type key struct {
		study, series string
		code          Code
		reason        string
	}
	slices.SortFunc(skipped, bySkippedName)
	var merged []Skipped
	index := map[key]int{}
	for _, s := range skipped {
		k := key{s.StudyInstanceUID, s.SeriesInstanceUID, s.Code, s.Reason}
		i, ok := index[k]
		if ok && s.SeriesInstanceUID != "" {
			merged[i].Instances++
			continue
		}
		index[k] = len(merged)
		merged = append(merged, s)
	}
	return merged
}

// badSlices makes warnings of the skipped instances of a series.
func badSlices(skipped []Skipped, seriesUID string) []Warning {
	var warnings []Warning
	for _, s := range skipped {
		if seriesUID == "" || s.SeriesInstanceUID != seriesUID || s.Code == CodeUnsupportedObject {
			continue
		}
		w := badSlice(s.SOPInstanceUID, s.Reason)
		if s.Instances > 1 {
			w.Message = phrase.Of("%d instances left out, the first is %s: %s", s.Instances, s.SOPInstanceUID, s.Reason)
		}
		warnings = append(warnings, w)
	}
	return warnings
}

func badSlice(sopInstanceUID, reason string) Warning {
	return Warning{CodeBadSlice, phrase.Of("instance %s left out: %s", sopInstanceUID, reason)}
}
