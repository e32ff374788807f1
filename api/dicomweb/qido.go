// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/metadata"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// search finds what is at a level.
//
// Reference: DICOM PS3.18 section 10.6.
func (s *service) search(level store.Level) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		json, err := datasetFormat(r)
		if err != nil {
			return err
		}
		parameters, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return fault.New(fault.Invalid, fault.InvalidField, "the query cannot be read")
		}
		roles := auth.FromContext(r.Context()).Roles
		q, err := parseQuery(parameters, level, roles)
		if err != nil {
			return err
		}
		q.within(r)
		q.offered()
		if len(q.extra) > 0 && !roles.Has(auth.Identities) {
			q.extra, q.warnings = nil, append(q.warnings, "Attributes that are not indexed are included for callers with the role identities alone.")
		}
		found, total, err := s.find(r.Context(), level, q)
		if err != nil {
			return err
		}
		for _, text := range q.warnings {
			warn(w, r, "%s", text)
		}
		if more := total - q.Offset - len(found); more > 0 {
			warn(w, r, "There are %d additional results that can be requested", more)
		}
		if len(found) == 0 {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return s.answerSearch(w, r, json, level, q, found)
	}
}

// within narrows a query to the study and series of the path.
func (q *query) within(r *http.Request) {
	for name, field := range map[string]store.Field{"study": store.FieldStudyInstanceUID, "series": store.FieldSeriesInstanceUID} {
		if uid := r.PathValue(name); uid != "" {
			q.Matches = append(q.Matches, store.Match{Field: field, Values: []string{uid}})
		}
	}
}

// found is something found, with what it is part of.
type found struct {
	study    store.Study
	series   store.Series
	instance store.Instance
}

// find finds what a query asks for.
func (s *service) find(ctx context.Context, level store.Level, q *query) (all []found, total int, err error) {
	switch level {
	case store.StudyLevel:
		var studies []store.Study
		studies, total, err = s.Store.FindStudies(ctx, q.Query)
		for _, one := range studies {
			all = append(all, found{study: one})
		}
		return all, total, err
	case store.SeriesLevel:
		var series []store.Series
		series, total, err = s.Store.FindSeries(ctx, q.Query)
		for _, one := range series {
			all = append(all, found{series: one})
		}
	default:
		var instances []store.Instance
		instances, total, err = s.Store.FindInstances(ctx, q.Query)
		for _, one := range instances {
			all = append(all, found{instance: one})
		}
		if err == nil {
			err = s.addSeries(ctx, all)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	return all, total, s.addStudies(ctx, all)
}

// addSeries fills in the series of instances.
func (s *service) addSeries(ctx context.Context, all []found) error {
	uids := map[string]bool{}
	for _, f := range all {
		uids[f.instance.SeriesInstanceUID] = true
	}
	series, err := s.Store.SeriesOf(ctx, slices.Collect(maps.Keys(uids)))
	for i := range all {
		all[i].series = series[all[i].instance.SeriesInstanceUID]
	}
	return err
}

// addStudies fills in the studies of series.
func (s *service) addStudies(ctx context.Context, all []found) error {
	uids := map[string]bool{}
	for _, f := range all {
		uids[f.series.StudyInstanceUID] = true
	}
	studies, err := s.Store.StudiesOf(ctx, slices.Collect(maps.Keys(uids)))
	for i := range all {
		all[i].study = studies[all[i].series.StudyInstanceUID]
	}
	return err
}

// answerSearch writes what was found.
func (s *service) answerSearch(w http.ResponseWriter, r *http.Request, json bool, level store.Level, q *query, all []found) error {
	roles := auth.FromContext(r.Context()).Roles
	base := s.baseURL(r)
	out := newDatasets(w, json)
	for _, f := range all {
		d := f.attributes(base, level, q.all, roles)
		if len(q.extra) > 0 {
			if err := s.include(r.Context(), d, level, f, q.extra); err != nil {
				return err
			}
		}
		if err := metadata.WriteDataset(out.next(), d); err != nil {
			return err
		}
	}
	return out.end()
}

// include adds attributes that the index does not have, of the header of the instance,
// or of one of the study or series.
func (s *service) include(ctx context.Context, d *dataset.Dataset, level store.Level, f found, extra []tag.Tag) error {
	of := f.instance
	if level != store.InstanceLevel {
		match := store.Match{Field: store.FieldStudyInstanceUID, Values: []string{f.study.StudyInstanceUID}}
		if level == store.SeriesLevel {
			match = store.Match{Field: store.FieldSeriesInstanceUID, Values: []string{f.series.SeriesInstanceUID}}
		}
		instances, _, err := s.Store.FindInstances(ctx, store.Query{Matches: []store.Match{match}, Limit: 1})
		if err != nil || len(instances) == 0 { // deleted meanwhile
			return err
		}
		of = instances[0]
	}
	content, err := s.Store.OpenInstance(ctx, of)
	if err != nil {
		return err
	}
	defer content.Close()
	head, err := dataset.Read(content, of.Size, dataset.Options{Want: func(t tag.Tag) bool { return slices.Contains(extra, t) }})
	if errors.Is(err, dataset.ErrUnreadable) {
		return err
	}
	if err != nil {
		return nil // a broken sequence is not told of
	}
	for e := range head.All() {
		if _, known := d.Find(e.Tag); !known {
			d.Put(e)
		}
	}
	return nil
}
