// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"errors"
	"net/http"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/metadata"
	"github.com/endplate/endplate/api/internal/audit"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
)

// The reasons of failures and warnings. PS3.18 I.2.2, PS3.4 B.2.3, PS3.7 C.
const (
	reasonProcessing     = 0x0110
	reasonDuplicate      = 0x0111
	reasonSOPClass       = 0x0122
	reasonResources      = 0xA700
	reasonDataSet        = 0xA900
	reasonCannot         = 0xC000
	reasonTransferSyntax = 0xC122

	warningCoerced = 0xB000
)

// failureReason returns the reason of a failure in the terms of the standard.
func failureReason(err error) int {
	if errors.Is(err, ingest.ErrOtherStudy) {
		return reasonDataSet
	}
	switch told := fault.Public(err); told.Reason {
	case fault.UnsupportedSOPClass:
		return reasonSOPClass
	case fault.UnsupportedTransferSyntax:
		return reasonTransferSyntax
	case fault.InstanceConflict:
		return reasonDuplicate
	case fault.MissingAttribute:
		return reasonDataSet
	case fault.StorageFull, fault.LimitExceeded, fault.StorageUnavailable, fault.ShuttingDown:
		return reasonResources
	case fault.MalformedInstance, fault.InvalidField:
		return reasonCannot
	}
	return reasonProcessing
}

// storeStatus returns the status of a response. PS3.18 table 10.5.3-1.
func storeStatus(results []ingest.Outcome, coerced bool) int {
	stored := 0
	worst := http.StatusConflict
	for _, o := range results {
		if o.State != ingest.Refused {
			stored++
			continue
		}
		switch told := fault.Public(o.Err); {
		case told.Kind == fault.Unavailable || told.Reason == fault.StorageFull:
			worst = http.StatusServiceUnavailable
		case told.Reason == fault.LimitExceeded && worst == http.StatusConflict:
			worst = http.StatusRequestEntityTooLarge
		case told.Kind == fault.Internal && worst != http.StatusServiceUnavailable:
			worst = http.StatusInternalServerError
		}
	}
	switch {
	case stored == len(results) && !coerced:
		return http.StatusOK
	case stored > 0:
		return http.StatusAccepted
	}
	return worst
}

// answerStore tells what became of each part.
func (s *service) answerStore(w http.ResponseWriter, r *http.Request, json bool, results []ingest.Outcome) error {
	h := w.Header()
	h.Set("Content-Type", mediaXML)
	if json {
		h.Set("Content-Type", mediaJSON)
	}
	status := storeStatus(results, s.Coerced)
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "10")
	}
	for _, o := range results {
		audit.Note(r.Context(), o.StudyInstanceUID, o.SeriesInstanceUID)
	}
	w.WriteHeader(status)
	if json {
		return metadata.WriteDataset(metadata.NewJSON(w), s.storeResponse(s.baseURL(r), results))
	}
	return metadata.WriteDataset(metadata.NewXML(w), s.storeResponse(s.baseURL(r), results))
}

// storeResponse returns the response's data set. PS3.18 I.2.
func (s *service) storeResponse(base string, results []ingest.Outcome) *dataset.Dataset {
	var stored, failed, unknown []*dataset.Dataset
	studies := map[string]bool{}
	for _, o := range results {
		item := &dataset.Dataset{}
		if o.SOPInstanceUID != "" {
			text(item, tag.ReferencedSOPClassUID, "UI", o.SOPClassUID)
			text(item, tag.ReferencedSOPInstanceUID, "UI", o.SOPInstanceUID)
		}
		switch {
		case o.State != ingest.Refused:
			studies[o.StudyInstanceUID] = true
			text(item, tag.RetrieveURL, "UR", seriesURL(base, o.StudyInstanceUID, o.SeriesInstanceUID)+"/instances/"+o.SOPInstanceUID)
			if s.Coerced {
				item.Ints(tag.WarningReason, "US", warningCoerced)
			}
			stored = append(stored, item)
		case o.SOPInstanceUID != "":
			item.Ints(tag.FailureReason, "US", failureReason(o.Err))
			failed = append(failed, item)
		default:
			item.Ints(tag.FailureReason, "US", failureReason(o.Err))
			unknown = append(unknown, item)
		}
	}
	d := &dataset.Dataset{}
	if len(studies) == 1 {
		for study := range studies {
			text(d, tag.RetrieveURL, "UR", studyURL(base, study))
		}
	}
	for t, items := range map[tag.Tag][]*dataset.Dataset{
		tag.ReferencedSOPSequence: stored, tag.FailedSOPSequence: failed, tag.OtherFailuresSequence: unknown,
	} {
		if len(items) > 0 {
			d.Sequence(t, items...)
		}
	}
	return d
}

// text puts a text as it is stored, whether its VR allows it or not: what came in goes
// out the same. Without one the attribute is empty.
func text(d *dataset.Dataset, t tag.Tag, vr, value string) {
	d.Put(dataset.Element{Tag: t, VR: vr, Value: []byte(value)})
}
