// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse/scu"
)

// wanted says which studies are wanted of an archive.
type wanted struct {
	patientID, accession, study string
	since                       string // DA
	priors                      bool
	modalities                  []string
}

func (w *wanted) addFlags(f *pflag.FlagSet) {
	f.StringVar(&w.patientID, "patient-id", "", "studies of the patient of this PatientID")
	f.StringVar(&w.accession, "accession", "", "the studies of this AccessionNumber")
	f.StringVar(&w.study, "study", "", "the study of this StudyInstanceUID")
	f.StringVar(&w.since, "since", "", "only studies of this `DATE` and later, YYYYMMDD")
	f.BoolVar(&w.priors, "priors", false, "and the earlier studies of the same patient, for comparison")
	f.StringSliceVar(&w.modalities, "modality", []string{"CT"}, "only series of this modality; repeatable")
}

func (w *wanted) check() error {
	switch {
	case w.patientID == "" && w.accession == "" && w.study == "":
		return usagef("which studies? Name them by --patient-id, --accession or --study")
	case w.study != "" && dicom.ValidUID(w.study) == "":
		return usagef("--study %s: no UID", w.study)
	case len(w.modalities) == 0:
		return usagef("--modality: want at least one")
	}
	for _, value := range []string{w.patientID, w.accession} {
		if strings.ContainsAny(value, `*?\`) {
			return usagef("%s: wild cards would fetch the studies of others", value)
		}
	}
	if _, err := time.Parse("20060102", w.since); w.since != "" && err != nil {
		return usagef("--since %s: want YYYYMMDD", w.since)
	}
	return nil
}

// foundStudy is a study that the archive has, with those of its series that are wanted.
type foundStudy struct {
	uid, date, accession    string
	patientID, issuer, born string
	series                  []foundSeries
}

type foundSeries struct{ uid, number, modality, images, description string }

// what calls a series as progress does.
func (s foundSeries) what() string {
	if s.number == "" {
		return s.modality + " series"
	}
	return s.modality + " series " + s.number
}

func (s foundSeries) keys(of foundStudy) scu.Keys {
	return scu.Keys{tag.StudyInstanceUID: of.uid, tag.SeriesInstanceUID: s.uid}
}

// mostFound bounds the answers to a query: a patient has some hundred studies.
const mostFound = 2000

var errManyFound = fmt.Errorf("more than %d answers: ask for less", mostFound)

// find asks for the studies that are wanted, the oldest first, those without a series
// that is wanted left out.
func (w *wanted) find(ctx context.Context, peer *scu.Peer) ([]foundStudy, error) {
	keys := scu.Keys{tag.PatientID: w.patientID, tag.AccessionNumber: w.accession, tag.StudyInstanceUID: w.study, tag.StudyDate: ""}
	if w.since != "" {
		keys[tag.StudyDate] = w.since + "-"
	}
	studies, err := findStudies(ctx, peer, keys)
	if err != nil {
		return nil, err
	}
	if w.priors {
		if studies, err = withPriors(ctx, peer, studies); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(studies, func(a, b foundStudy) int { return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.uid, b.uid)) })
	var all []foundStudy
	for _, s := range studies {
		if s.series, err = w.findSeries(ctx, peer, s.uid); err != nil {
			return nil, err
		}
		if len(s.series) > 0 {
			all = append(all, s)
		}
	}
	return all, nil
}

// findStudies asks for studies. An archive may pass over keys that it does not know:
// what does not fit is left out here.
func findStudies(ctx context.Context, peer *scu.Peer, keys scu.Keys) (all []foundStudy, err error) {
	for _, t := range []tag.Tag{tag.StudyInstanceUID, tag.StudyDate, tag.AccessionNumber, tag.PatientID, tag.IssuerOfPatientID, tag.PatientBirthDate} {
		if _, asked := keys[t]; !asked {
			keys[t] = ""
		}
	}
	err = peer.Find(ctx, scu.Study, keys, func(d *dataset.Dataset) error {
		if len(all) == mostFound {
			return errManyFound
		}
		s := foundStudy{
			uid: dicom.ValidUID(d.Value(tag.StudyInstanceUID)), date: d.Value(tag.StudyDate), accession: d.Value(tag.AccessionNumber),
			patientID: d.Value(tag.PatientID), issuer: d.Value(tag.IssuerOfPatientID), born: d.Value(tag.PatientBirthDate),
		}
		fits := func(key tag.Tag, value string) bool { return keys[key] == "" || keys[key] == value }
		if s.uid != "" && fits(tag.StudyInstanceUID, s.uid) && fits(tag.AccessionNumber, s.accession) && fits(tag.PatientID, s.patientID) {
			all = append(all, s)
		}
		return nil
	})
	return all, err
}

// withPriors adds the studies that patients of studies had before the last of them.
func withPriors(ctx context.Context, peer *scu.Peer, studies []foundStudy) ([]foundStudy, error) {
	latest := map[string]foundStudy{} // by PatientID
	for _, s := range studies {
		if l, known := latest[s.patientID]; !known || s.date > l.date {
			latest[s.patientID] = s
		}
	}
	all := slices.Clone(studies)
	for id, last := range latest {
		if id == "" || strings.ContainsAny(id, `*?\`) {
			return nil, errors.New("the archive does not say whose the study is, so that there are no priors of it to be found")
		}
		keys := scu.Keys{tag.PatientID: id}
		if last.date != "" {
			keys[tag.StudyDate] = "-" + last.date
		}
		priors, err := findStudies(ctx, peer, keys)
		if err != nil {
			return nil, err
		}
		for _, prior := range priors {
			known := slices.ContainsFunc(all, func(s foundStudy) bool { return s.uid == prior.uid })
			if !known && prior.samePatient(last) {
				all = append(all, prior)
			}
		}
	}
	return all, nil
}

// samePatient tells whether studies of one PatientID are of one patient, as far as it is
// said: two hospitals may have given the same.
func (s foundStudy) samePatient(other foundStudy) bool {
	agree := func(a, b string) bool { return a == "" || b == "" || a == b }
	return s.patientID == other.patientID && agree(s.issuer, other.issuer) && agree(s.born, other.born)
}

// findSeries asks for the series of a study that are wanted.
func (w *wanted) findSeries(ctx context.Context, peer *scu.Peer, study string) (all []foundSeries, err error) {
	keys := scu.Keys{
		tag.StudyInstanceUID: study, tag.SeriesInstanceUID: "", tag.Modality: "", tag.SeriesNumber: "", tag.SeriesDescription: "",
		tag.NumberOfSeriesRelatedInstances: "",
	}
	err = peer.Find(ctx, scu.Series, keys, func(d *dataset.Dataset) error {
		if len(all) == mostFound {
			return errManyFound
		}
		s := foundSeries{
			uid: dicom.ValidUID(d.Value(tag.SeriesInstanceUID)), number: d.Value(tag.SeriesNumber), modality: d.Value(tag.Modality),
			images: d.Value(tag.NumberOfSeriesRelatedInstances), description: d.Value(tag.SeriesDescription),
		}
		if s.uid != "" && slices.ContainsFunc(w.modalities, func(m string) bool { return strings.EqualFold(m, s.modality) }) {
			all = append(all, s)
		}
		return nil
	})
	return all, err
}
