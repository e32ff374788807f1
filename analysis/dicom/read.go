// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/volume"
)

// Series is a stack with its pixels.
type Series struct {
	Description
	Volume *volume.Volume
}

// Bounds of the memory for one volume.
const (
	// maxVolume is in bytes; a whole body at 0.5 mm in 1024×1024 takes as much.
	maxVolume = 8 << 30

	// maxCompression bounds what compressed frames may decode to: a multiple of
	// their size, with an allowance for small stacks. CT compresses to a third,
	// a synthetic one without noise to a fiftieth.
	maxCompression       = 256
	compressionAllowance = 4 << 20 // bytes
)

// Read decodes the stack's pixels. Slices whose pixels cannot be read are left out,
// with a warning, if what remains is still one stack; otherwise the first such slice
// is the error.
func (s *Stack) Read(ctx context.Context) (*Series, error) {
	if err := s.affordable(); err != nil {
		return nil, fmt.Errorf("series %s: %w", s.SeriesInstanceUID, err)
	}
	v := &volume.Volume{
		Geometry:    s.Geometry,
		Samples:     make([]int16, s.Geometry.Columns*s.Geometry.Rows*s.Geometry.Slices),
		Acquisition: s.Acquisition,
	}
	failures := s.decode(ctx, v)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.misscaled(v, failures)
	series := &Series{Description: s.Description, Volume: v}
	if err := series.leaveOut(s, failures); err != nil {
		return nil, fmt.Errorf("series %s: %w", s.SeriesInstanceUID, err)
	}
	return series, nil
}

// affordable makes sure that the sources warrant the memory for the volume.
func (s *Stack) affordable() error {
	need := 2 * int64(s.Geometry.Columns) * int64(s.Geometry.Rows) * int64(s.Geometry.Slices)
	if need > maxVolume {
		return fmt.Errorf("%w: volume of %d bytes", ErrTooLarge, need)
	}
	var last *instance
	warranted := int64(compressionAllowance)
	for _, m := range s.images {
		if !m.in.pixels.encapsulated {
			warranted += m.in.frameBytes() * 2 // of 8 bits, become 16
		} else if m.in != last {
			warranted += maxCompression * m.in.pixels.length
		}
		last = m.in
	}
	if need > warranted {
		return fmt.Errorf("%w: volume of %d bytes from compressed pixels of less than %d", ErrTooLarge, need, need/maxCompression)
	}
	return nil
}

// job is frames of one instance that a stack is made of, and the slices they
// become.
type job struct {
	in     *instance
	frames []int
	slices []int
}

// jobs lists the work by instance. One with many frames is shared among the
// workers if each can read it in place.
func (s *Stack) jobs() []job {
	var jobs []job
	index := map[*instance]int{}
	for k, m := range s.images {
		i, ok := index[m.in]
		if full := ok && m.in.content.random && len(jobs[i].frames) >= share(m.in); !ok || full {
			i = len(jobs)
			index[m.in] = i
			jobs = append(jobs, job{in: m.in})
		}
		jobs[i].frames = append(jobs[i].frames, m.index)
		jobs[i].slices = append(jobs[i].slices, k)
	}
	return jobs
}

// share returns how many frames of an instance make a job.
func share(in *instance) int {
	const least = 16 // frames; to find the fragments has a cost of its own
	return max(least, (len(in.frames)+workers()-1)/workers())
}

// decode fills the volume and returns an error for each slice, nil where there is
// none.
func (s *Stack) decode(ctx context.Context, v *volume.Volume) []error {
	failures := make([]error, len(s.images))
	queue := make(chan job)
	s.progress.start(true, len(s.images))
	var wg sync.WaitGroup
	for range workers() {
		wg.Go(func() {
			var d decoder
			for j := range queue {
				if ctx.Err() == nil {
					s.decodeJob(ctx, &d, j, v, failures)
				}
			}
		})
	}
	for _, j := range s.jobs() {
		queue <- j
	}
	close(queue)
	wg.Wait()
	return failures
}

func (s *Stack) decodeJob(ctx context.Context, d *decoder, j job, v *volume.Volume, failures []error) {
	fail := func(err error) {
		for _, k := range j.slices {
			failures[k] = err
		}
	}
	r, err := j.in.content.open(&d.whole)
	if err != nil {
		fail(err)
		return
	}
	defer r.Close()
	spans, err := j.in.frameSpans(r)
	if err != nil {
		fail(err)
		return
	}
	n := v.Columns * v.Rows
	for i, k := range j.slices {
		if ctx.Err() != nil {
			return
		}
		f := j.frames[i]
		failures[k] = d.decode(ctx, j.in, f, r, spans[f], v.Samples[k*n:(k+1)*n])
		s.progress.step()
	}
}

// A slice is taken to be wrongly rescaled if nearly all others share another
// rescale and its mean jumps against theirs.
const (
	commonShare = 0.9   // of the slices
	maxJump     = 200.0 // HU; a fifth of the way from air to water, over the whole field of view
)

// misscaled enters an error for each slice whose rescale cannot be right.
func (s *Stack) misscaled(v *volume.Volume, failures []error) {
	common, n := s.commonRescale()
	if n == len(s.images) || float64(n) < commonShare*float64(len(s.images)) {
		return
	}
	usual := func(k int) bool {
		return k >= 0 && k < len(s.images) && failures[k] == nil && s.images[k].frame().rescale == common
	}
	for k, m := range s.images {
		if failures[k] != nil || m.frame().rescale == common {
			continue
		}
		for _, neighbour := range []int{k - 1, k + 1} {
			if usual(neighbour) && math.Abs(sliceMean(v, k)-sliceMean(v, neighbour)) > maxJump {
				failures[k] = &InvalidAttributeError{Keyword: name(tag.RescaleIntercept), Problem: "unlike the other slices', and the values do not fit theirs"}
			}
		}
	}
}

// commonRescale returns the rescale that most slices have, and how many have it.
func (s *Stack) commonRescale() (common rescale, n int) {
	counts := map[rescale]int{}
	for _, m := range s.images {
		r := m.frame().rescale
		counts[r]++
		if counts[r] > n {
			common, n = r, counts[r]
		}
	}
	return common, n
}

// sliceMean returns the mean of slice k, HU.
func sliceMean(v *volume.Volume, k int) float64 {
	n := v.Columns * v.Rows
	sum := 0
	for _, hu := range v.Samples[k*n : (k+1)*n] {
		sum += int(hu)
	}
	return float64(sum) / float64(n)
}

// leaveOut removes the slices that failed, and describes what remains. It fails if
// that is not one stack any more.
func (r *Series) leaveOut(s *Stack, failures []error) error {
	good := make([]image, 0, len(s.images))
	n := r.Volume.Columns * r.Volume.Rows
	var first error
	var warnings []Warning
	for k, m := range s.images {
		if err := failures[k]; err != nil {
			w := badSlice(m.in.sopUID, err.Error())
			warnings = append(warnings, w)
			if first == nil {
				first = fmt.Errorf("instance %s: %w", m.in.sopUID, err)
			}
			continue
		}
		copy(r.Volume.Samples[len(good)*n:], r.Volume.Samples[k*n:(k+1)*n])
		good = append(good, m)
	}
	if first == nil {
		return nil
	}
	if len(good) < min(len(s.images), defaultMinSlices) || len(cutAtGaps(good)) > 1 {
		return first
	}
	for _, w := range s.Warnings {
		if !ofImages(w.Code) {
			warnings = append(warnings, w)
		}
	}
	rest := newStack(good, warnings)
	r.Description = rest.Description
	r.Volume.Geometry = rest.Geometry
	r.Volume.Samples = slices.Clip(r.Volume.Samples[:len(good)*n])
	return nil
}

// ReadSeries reads all series of the sources at once. Callers that measure one
// after the other need less memory with Scan and Stack.Read.
func ReadSeries(ctx context.Context, sources iter.Seq2[Source, error], opt Options) (series []*Series, skipped []Skipped, err error) {
	catalog, err := Scan(ctx, sources, opt)
	if err != nil {
		return nil, nil, err
	}
	skipped = catalog.Skipped
	for _, stack := range catalog.Stacks {
		s, err := stack.Read(ctx)
		switch {
		case err == nil:
			series = append(series, s)
		case canceled(err):
			return nil, nil, errors.Join(err, catalog.Close())
		default:
			skipped = append(skipped, stack.Skipped(err))
		}
	}
	return series, skipped, catalog.Close()
}

// Skipped makes an entry for a stack that could not be read.
func (s *Stack) Skipped(err error) Skipped {
	return Skipped{
		Name:              s.Name(),
		StudyInstanceUID:  s.StudyInstanceUID,
		SeriesInstanceUID: s.SeriesInstanceUID,
		SOPInstanceUID:    s.Slices[0].SOPInstanceUID,
		Instances:         len(s.images),
		Code:              CodeOf(err),
		Reason:            err.Error(),
	}
}
