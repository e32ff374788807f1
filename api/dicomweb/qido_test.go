// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// searched returns a server with three studies: of CT of 2 and 3 slices, and a real one
// of another modality and character set where there is one.
func searched(t *testing.T) (p *peer, first, second []instance) {
	t.Helper()
	p = serve(t, config(t))
	first, second = made(t, 8, 2, "1"), made(t, 12, 3, "2")
	p.store(t, "/studies", contents(first)...).want(t, http.StatusOK)
	p.store(t, "/studies", contents(second)...).want(t, http.StatusOK)
	return p, first, second
}

// All levels of the standard's resources return what its tables ask for.
func TestSearchLevels(t *testing.T) {
	t.Parallel()
	p, first, second := searched(t)
	study := "/studies/" + first[0].StudyInstanceUID
	ofStudy := []string{"00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081190", "00100010", "00100020", "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208"}
	ofSeries := []string{"00080060", "0008103E", "0020000E", "00200011", "00201209"}
	ofInstance := []string{"00080016", "00080018", "00200013", "00280010", "00280011", "00280100"}
	for path, want := range map[string]struct {
		n    int
		tags []string
		url  string // of the first
	}{
		"/studies":           {2, ofStudy, "/studies/"},
		"/series":            {2, slices.Concat(ofStudy, ofSeries), "/studies/"},
		"/instances":         {5, slices.Concat(ofStudy, ofSeries, ofInstance), "/studies/"},
		study + "/series":    {1, slices.Concat(ofStudy, ofSeries), study + "/series/" + first[0].SeriesInstanceUID},
		study + "/instances": {2, slices.Concat(ofSeries, ofInstance), first[0].path()},
		second[0].path()[:strings.LastIndex(second[0].path(), "/")]: {3, ofInstance, second[0].path()},
	} {
		sets := p.get(t, path, "application/dicom+json").datasets(t)
		if len(sets) != want.n {
			t.Errorf("%s: %d found, want %d", path, len(sets), want.n)
			continue
		}
		for _, tag := range want.tags {
			if _, ok := sets[0][tag]; !ok {
				t.Errorf("%s: no %s", path, tag)
			}
		}
		if got := sets[0].value("00081190"); !strings.HasPrefix(got, p.base+want.url) {
			t.Errorf("%s: retrieved at %s, want %s", path, got, p.base+want.url)
		}
	}
	one := p.get(t, "/studies?PatientID=P-2", "application/dicom+json").datasets(t)
	if len(one) != 1 || one[0].value("00201208") != "3" || one[0].value("00201206") != "1" || one[0].value("00080061") != "CT" || one[0].value("00080020") != "20240229" {
		t.Errorf("%v", one)
	}
	if name := one[0]["00100010"].Value[0].(map[string]any)["Alphabetic"]; name != "PHANTOM^SPINE" {
		t.Errorf("name %v", name)
	}
	_, parts := p.get(t, "/studies", `multipart/related; type="application/dicom+xml"`).parts(t)
	if len(parts) != 2 || !strings.Contains(string(parts[0]), `keyword="NumberOfStudyRelatedInstances"`) {
		t.Errorf("%d parts of XML", len(parts))
	}
}

// Each kind of matching finds what it should, in keywords and in digits.
func TestSearchMatching(t *testing.T) {
	t.Parallel()
	p, first, second := searched(t)
	a, b := first[0].StudyInstanceUID, second[0].StudyInstanceUID
	for query, want := range map[string]int{
		"":                                        2,
		"PatientID=P-1":                           1,
		"00100020=P-1":                            1,
		"PatientID=P-*":                           2,
		"PatientID=p-1":                           0,
		"PatientName=phantom^SPINE":               2,
		"PatientName=PHAN*":                       2,
		"PatientName=":                            2,
		"PatientName=*":                           2,
		"StudyInstanceUID=" + a + "," + b:         2,
		"StudyInstanceUID=" + a + "%5C1.2.3":      1,
		"StudyDate=20240229":                      2,
		"StudyDate=20240101-20240228":             0,
		"StudyDate=20240101-":                     2,
		"StudyDate=-20240101":                     0,
		"StudyTime=1159-1201":                     2,
		"ModalitiesInStudy=SEG%5CCT":              2,
		"ModalitiesInStudy=MR":                    0,
		"AccessionNumber=":                        2,
		"StudyDescription=Synthetic*":             2,
		"StudyDate=20240229&PatientID=P-2":        1,
		"fuzzymatching=false":                     2,
		"limit=1":                                 1,
		"limit=1&offset=1":                        1,
		"offset=2":                                0,
		"BodyPartExamined=SPINE":                  2, // not matched, and said so
		"SeriesNumber=3":                          2, // nor is what is below
		"includefield=all":                        2,
		"includefield=00081090&includefield=Rows": 2,
	} {
		r := p.do(t, http.MethodGet, "/studies?"+query, nil)
		n := 0
		if r.StatusCode == http.StatusOK {
			n = len(r.datasets(t))
		} else {
			r.want(t, http.StatusNoContent)
		}
		if n != want {
			t.Errorf("%s: %d found, want %d", query, n, want)
		}
	}
	for query, want := range map[string]int{
		"Modality=CT&SeriesNumber=3":                           2,
		"SeriesDescription=ma?e":                               2,
		"SeriesNumber=4":                                       0,
		"RequestAttributesSequence.ScheduledProcedureStepID=1": 0,
		"PatientID=P-1":                                        1,
	} {
		if r := p.do(t, http.MethodGet, "/series?"+query, nil); r.StatusCode == http.StatusOK && len(r.datasets(t)) != want || r.StatusCode == http.StatusNoContent && want != 0 {
			t.Errorf("%s: %s %.200s, want %d", query, r.Status, r.body, want)
		}
	}
	if sets := p.get(t, "/instances?InstanceNumber=2&StudyInstanceUID="+b, "").datasets(t); len(sets) != 1 || sets[0].value("00080018") != second[1].SOPInstanceUID {
		t.Errorf("second instance: %v", sets)
	}
}

// What is not done as asked is said.
func TestSearchWarnings(t *testing.T) {
	t.Parallel()
	p, _, _ := searched(t)
	for query, want := range map[string]string{
		"/studies?fuzzymatching=true":     "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
		"/studies?limit=1":                "There are 1 additional results that can be requested",
		"/instances?limit=2&offset=1":     "There are 2 additional results that can be requested",
		"/studies?BodyPartExamined=SPINE": "The attribute BodyPartExamined is not matched here.",
		"/studies?limit=2":                "",
	} {
		warning := p.get(t, query, "").Header.Get("Warning")
		if want == "" && warning != "" || want != "" && (!strings.HasPrefix(warning, "299 ") || !strings.HasSuffix(warning, `"`+want+`"`)) {
			t.Errorf("%s: warning %q, want %q", query, warning, want)
		}
	}
}

// Attributes that the index does not have are read from headers.
func TestSearchIncludes(t *testing.T) {
	t.Parallel()
	p, _, _ := searched(t)
	set := p.get(t, "/studies?limit=1&includefield=ManufacturerModelName,00180060&includefield=PatientPosition", "").datasets(t)[0]
	if set.value("00081090") != "endplate phantom" || set.value("00185100") != "HFS" {
		t.Errorf("%v", set)
	}
	if _, ok := set["00180060"]; !ok {
		t.Error("no KVP, which is there and empty")
	}
	if set := p.get(t, "/instances?limit=1&includefield=all", "").datasets(t)[0]; set.value("00083002") != "1.2.840.10008.1.2.1" || set.value("00200052") == "" {
		t.Errorf("%v", set)
	}
}

// What cannot be is refused, and named.
func TestSearchesThatCannotBe(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	for _, query := range []string{
		"limit=-1", "limit=x", "limit=1&limit=2", "offset=x", "fuzzymatching=maybe", "NoSuchAttribute=1", "0010002=1", "includefield=Nonsense",
		"StudyDate=2024", "StudyDate=20240101-x", "StudyDate=-", "StudyTime=25x", "StudyInstanceUID=1.2,x", "StudyInstanceUID=%00",
		"PatientName=" + strings.Repeat("x", 1000), "PatientName=" + strings.Repeat("*x", 50), "PatientID=a&PatientID=b", "PatientID=%zz",
		"includefield=" + strings.Repeat("00080005,", 101) + "00080005", "StudyInstanceUID=,",
	} {
		if r := p.do(t, http.MethodGet, "/studies?"+query, nil); r.StatusCode != http.StatusBadRequest || !strings.Contains(string(r.body), "reason") {
			t.Errorf("%.60s: %s %s", query, r.Status, r.body)
		}
	}
	for _, path := range []string{"/studies/x/series", "/studies/1..2/instances", "/studies/" + url.PathEscape("../../etc") + "/series"} {
		if r := p.do(t, http.MethodGet, path, nil); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	p.do(t, http.MethodGet, "/studies", nil, "Accept", "text/html").want(t, http.StatusNotAcceptable)
	p.do(t, http.MethodGet, "/studies/1.2.3/series", nil).want(t, http.StatusNoContent)
}
