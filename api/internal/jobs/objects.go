// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"bytes"
	"context"
	"os"
	"slices"

	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// Make returns the objects of a kind that tell of a subject, the same bytes that Publish
// has stored, whether that was done or not. What stands in the way is the reason of the
// answer. Its errors are those of a child too.
func (q *Queue) Make(ctx context.Context, of store.Subject, kind string) (objects [][]byte, done *measure.Done, err error) {
	folder, err := q.scratch()
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "no folder for the objects")
	}
	defer func() { _ = os.RemoveAll(folder) }() // else when the next process starts
	if done, err = q.make(ctx, of, []string{kind}, folder); err != nil {
		return nil, nil, err
	}
	for _, o := range done.Objects {
		b, err := os.ReadFile(o.Path)
		if err != nil {
			return nil, nil, errObject(err)
		}
		objects = append(objects, b)
	}
	return objects, done, nil
}

// make has a child make the objects of kinds that tell of a subject, in a folder.
func (q *Queue) make(ctx context.Context, of store.Subject, kinds []string, folder string) (*measure.Done, error) {
	if of.ComparisonID != "" {
		return q.makeOfComparison(ctx, of.ComparisonID, folder)
	}
	a, remove, err := q.analysed(ctx, of.AnalysisID, of.Revision)
	if err != nil {
		return nil, err
	}
	defer remove()
	return q.Do(ctx, &measure.Task{Publish: &measure.PublishTask{
		Files: a.Files, Options: a.Options, Stored: a.Stored, Revisions: a.Revisions, Kinds: kinds, Folder: folder,
	}}, silent)
}

func silent(string, float64) {}

// analysed returns what objects tell of a revision, with the images. Those of a bucket
// are copied, until remove is called.
func (q *Queue) analysed(ctx context.Context, id string, revision int) (of measure.ComparedAnalysis, remove func(), err error) {
	a, err := q.Store.Analysis(ctx, id)
	if err != nil {
		return of, nil, err
	}
	v, err := q.Store.Revision(ctx, id, revision, store.Whole)
	if err != nil {
		return of, nil, err
	}
	revisions, err := q.Store.Revisions(ctx, id)
	if err != nil {
		return of, nil, err
	}
	files, remove, err := q.files(ctx, a, silent)
	return measure.ComparedAnalysis{
		Files: files, Options: a.Options, Revisions: revisionsUpTo(revisions, v.Number),
		Stored: measure.Stored{Results: v.Result.Results, About: v.Result.About},
	}, remove, err
}

// revisionsUpTo returns what the objects of a revision tell of it and of those before.
func revisionsUpTo(all []store.Revision, number int) (revisions []measure.Revision) {
	for _, v := range all[:number+1] {
		revisions = append(revisions, measure.Revision{
			Author: v.Author, CreatedAt: v.CreatedAt, Reviewed: v.Reviewed, Corrections: v.Corrections,
		})
	}
	return revisions
}

// makeOfComparison has a child make the reports of a comparison.
func (q *Queue) makeOfComparison(ctx context.Context, id, folder string) (*measure.Done, error) {
	c, err := q.Store.Comparison(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.State != store.Succeeded {
		return nil, fault.New(fault.NotReady, fault.NotFinished, "comparison %s is %s", id, c.State)
	}
	task := &measure.PublishComparisonTask{Options: c.Options, Folder: folder}
	for i, analysis := range c.AnalysisIDs {
		a, remove, err := q.analysed(ctx, analysis, c.Revisions[i])
		if err != nil {
			return nil, err
		}
		defer remove() // not before the child has read them all
		if a.Reports, err = q.reports(ctx, store.OfRevision(analysis, c.Revisions[i])); err != nil {
			return nil, err
		}
		task.Analyses = append(task.Analyses, a)
	}
	if task.Earlier, err = q.earlierReports(ctx, c); err != nil {
		return nil, err
	}
	return q.Do(ctx, &measure.Task{PublishComparison: task}, silent)
}

// reports names the structured reports that were made of a subject.
func (q *Queue) reports(ctx context.Context, of store.Subject) (all []sr.Reference, err error) {
	objects, err := q.Store.Objects(ctx, of)
	for _, o := range objects {
		if o.Kind == measure.KindOfComparisons {
			all = append(all, sr.Reference{SeriesInstanceUID: o.SeriesInstanceUID, SOPInstanceUID: o.SOPInstanceUID})
		}
	}
	return all, err
}

// earlierReports names the reports of comparisons of the same analyses in the same way
// whose revisions are earlier, the newest first.
func (q *Queue) earlierReports(ctx context.Context, c store.Comparison) (all []sr.Reference, err error) {
	before, err := q.Store.EarlierComparisons(ctx, c)
	for _, b := range before {
		if !bytes.Equal(b.Options, c.Options) || slices.Equal(b.Revisions, c.Revisions) {
			continue
		}
		reports, err := q.reports(ctx, store.OfComparison(b.ID))
		if err != nil {
			return nil, err
		}
		all = append(all, reports...)
	}
	return all, err
}
