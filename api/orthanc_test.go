// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/measure"
	"github.com/endplate/endplate/api/orthanctest"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// Keys of attributes in DICOM JSON.
const (
	keySOPInstanceUID = "00080018"
	keyModality       = "00080060"
)

// withResults has a server make all kinds of objects and send them to destinations.
func withResults(c api.Config, destinations ...string) api.Config {
	c.Results = api.Results{Kinds: strings.Join(measure.Kinds(), ","), Destinations: destinations, GiveUpAfter: time.Hour}
	return c
}

// delivered waits until n deliveries have been made.
func (p *peer) delivered(t testing.TB, n int) []*endplatev1.Delivery {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		r, err := p.deliveries.ListDeliveries(t.Context(), &endplatev1.ListDeliveriesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		made := func(d *endplatev1.Delivery) bool { return d.GetState() == endplatev1.Delivery_DELIVERED }
		all := r.GetDeliveries()
		if len(all) == n && !slices.ContainsFunc(all, func(d *endplatev1.Delivery) bool { return !made(d) }) {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("deliveries %v", all)
		}
	}
}

// A study that an archive forwards is measured by itself, and what was found stands
// beside it in the archive that sent it, by C-STORE, and in another, by STOW-RS.
func TestFindingsStandBesideTheStudyInOrthanc(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.DIMSE = api.DIMSE{Addr: orthanctest.FreePort(t), AETitle: "ENDPLATE", Associations: 10, PeerAssociations: 10, MaxPDU: 128 << 10}
	c.Work.QuietTime = 500 * time.Millisecond
	sender := orthanctest.Start(t, map[string]orthanctest.Peer{"endplate": {AETitle: "ENDPLATE", Address: c.DIMSE.Addr}})
	other := orthanctest.Start(t, nil)
	p := serve(t, withResults(c, "pacs=dicom://ORTHANC@"+sender.DIMSE, "archive="+other.Web))
	s := made(t, 1, 30)
	for _, file := range s.instances {
		sender.Upload(t, file)
	}
	sender.Forward(t, "endplate", s.study)
	objects := p.waitPublished(t).GetPublication().GetObjects()
	all := p.delivered(t, 2*len(objects))
	modalities := map[string]string{"sr": "SR", "seg": "SEG", "sc": "OT", "pdf": "DOC"}
	for _, d := range all {
		archive := map[string]*orthanctest.Server{"pacs": sender, "archive": other}[d.GetDestination()]
		if d.GetAttempts() != 1 || d.GetStudyInstanceUid() != s.study {
			t.Errorf("delivery %v", d)
		}
		if got := archive.Query(t, "/studies/"+s.study+"/instances?SOPInstanceUID="+d.GetSopInstanceUid(), keySOPInstanceUID); len(got) != 1 {
			t.Errorf("%s has %d copies of the %s", d.GetDestination(), len(got), d.GetKind())
		}
		if got := archive.Query(t, "/studies/"+s.study+"/series", keyModality); !slices.Contains(got, modalities[d.GetKind()]) {
			t.Errorf("%s lists series of %q", d.GetDestination(), got)
		}
	}
	p.wantObjects(t, s)
	// What a reader says stands there too, beside what was measured.
	if _, err := p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{
		AnalysisId: all[0].GetAnalysisId(), Reviewed: true, RequestId: "once",
	}); err != nil {
		t.Fatal(err)
	}
	p.delivered(t, 4*len(objects))
	for _, archive := range []*orthanctest.Server{sender, other} {
		reports := archive.Query(t, "/studies/"+s.study+"/instances?Modality=SR", keySOPInstanceUID)
		if len(reports) != 2 || reports[0] == reports[1] {
			t.Errorf("an archive has the reports %q", reports)
		}
	}
	p.wantComparison(t, s, 4*len(objects), sender, other)
}

// wantComparison compares a study whose results have been sent with a later one, and
// wants the report to stand in that one, in each of the archives.
func (p *peer) wantComparison(t testing.TB, before series, sent int, archives ...*orthanctest.Server) {
	t.Helper()
	runs, err := p.analyses.ListAnalyses(t.Context(), &endplatev1.ListAnalysesRequest{})
	if err != nil || len(runs.GetAnalyses()) != 1 {
		t.Fatal(runs, err)
	}
	later := p.measured(t, made(t, 2, 15))
	objects := len(p.publishedAnalysis(t, later.GetAnalysisId()).GetObjects())
	run := p.compared(t, runs.GetAnalyses()[0].GetAnalysisId(), later.GetAnalysisId())
	all := p.delivered(t, sent+len(archives)*(objects+1))
	published, err := p.comparisons.GetComparison(t.Context(), &endplatev1.GetComparisonRequest{ComparisonId: run.GetComparisonId()})
	reports := published.GetComparison().GetPublication().GetObjects()
	if err != nil || len(reports) != 1 || reports[0].GetKind() != "sr" {
		t.Fatalf("reports of the comparison %v, %v", reports, err)
	}
	if n := len(slices.DeleteFunc(all, func(d *endplatev1.Delivery) bool { return d.GetComparisonId() != run.GetComparisonId() })); n != len(archives) {
		t.Errorf("%d deliveries of the comparison", n)
	}
	for _, archive := range archives {
		got := archive.Query(t, "/studies/"+later.GetStudyInstanceUid()+"/instances?Modality=SR", keySOPInstanceUID)
		if len(got) != 2 || !slices.Contains(got, reports[0].GetSopInstanceUid()) {
			t.Errorf("an archive has the reports %q of the later study", got)
		}
		if got := archive.Query(t, "/studies/"+before.study+"/instances?Modality=SR", keySOPInstanceUID); len(got) != 2 {
			t.Errorf("an archive has the reports %q of the earlier study", got)
		}
	}
}

// publishedAnalysis waits until the objects of an analysis have been made.
func (p *peer) publishedAnalysis(t testing.TB, id string) *endplatev1.Publication {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		run, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: id})
		if err != nil {
			t.Fatal(err)
		}
		if made := run.GetAnalysis().GetPublication(); made.GetState() == endplatev1.AnalysisState_SUCCEEDED {
			return made
		}
		if time.Now().After(deadline) {
			t.Fatalf("analysis %v", run)
		}
	}
}

// waitPublished waits until there is an analysis and its objects have been made.
func (p *peer) waitPublished(t testing.TB) *endplatev1.AnalysisRun {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		list, err := p.analyses.ListAnalyses(t.Context(), &endplatev1.ListAnalysesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list.GetAnalyses() {
			run, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: a.GetAnalysisId()})
			if err != nil {
				t.Fatal(err)
			}
			switch published := run.GetAnalysis().GetPublication(); published.GetState() {
			case endplatev1.AnalysisState_SUCCEEDED:
				return run.GetAnalysis()
			case endplatev1.AnalysisState_FAILED, endplatev1.AnalysisState_PARKED:
				t.Fatalf("publication %v", published)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("analyses %v", list)
		}
	}
}

// wantObjects wants the objects to be instances of the study that is here.
func (p *peer) wantObjects(t testing.TB, s series) {
	t.Helper()
	objects := p.waitPublished(t).GetPublication().GetObjects()
	for _, kind := range measure.Kinds() {
		if !slices.ContainsFunc(objects, func(o *endplatev1.ResultObject) bool { return o.GetKind() == kind }) {
			t.Errorf("no %s among %v", kind, objects)
		}
	}
	listed, err := p.studies.ListSeries(t.Context(), &endplatev1.ListSeriesRequest{StudyInstanceUid: s.study})
	if err != nil || len(listed.GetSeries()) != 1+len(measure.Kinds()) {
		t.Errorf("series %v, %v", listed, err)
	}
	for _, o := range objects {
		if !slices.ContainsFunc(listed.GetSeries(), func(s *endplatev1.Series) bool { return s.GetSeriesInstanceUid() == o.GetSeriesInstanceUid() }) {
			t.Errorf("no series of the %s", o.GetKind())
		}
	}
}
