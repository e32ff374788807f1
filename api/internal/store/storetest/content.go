// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/endplate/endplate/api/internal/store"
)

// Content is an instance to be stored: the store does not look into its bytes.
type Content struct {
	Bytes    string
	Study    store.Study
	Series   store.Series
	Instance store.Instance
}

// Made returns an instance of a study and a series that its numbers name.
func Made(study, series, instance int) Content {
	c := Content{Bytes: fmt.Sprintf("instance %d.%d.%d", study, series, instance)}
	uid := fmt.Sprintf("1.2.3.%d", study)
	c.Study = store.Study{
		StudyInstanceUID: uid,
		StudyDateTime:    "20240229101112.5",
		StudyDescription: fmt.Sprintf("Spine %d", study),
		AccessionNumber:  fmt.Sprintf("A%d", study),
		StudyID:          fmt.Sprintf("S%d", study), ReferringPhysicianName: "Roe^Richard",
		Patient: store.Patient{
			PatientID: fmt.Sprintf("P%d", study), IssuerOfPatientID: "HOSPITAL",
			PatientName: "Yamada^Tarou=山田^太郎=やまだ^たろう", PatientBirthDate: "19500102", PatientSex: "O",
		},
	}
	number := series
	c.Series = store.Series{
		StudyInstanceUID: uid, SeriesInstanceUID: fmt.Sprintf("%s.%d", uid, series), Modality: "CT",
		SeriesNumber: &number, SeriesDescription: "Größe 1 mm", FrameOfReferenceUID: uid + ".0",
		PerformedProcedureStepStartDateTime: "20240301", ScheduledProcedureStepID: fmt.Sprintf("SPS%d", series), RequestedProcedureID: "RP1",
	}
	slice, side, bits := instance, 512, 16
	c.Instance = store.Instance{
		StudyInstanceUID: uid, SeriesInstanceUID: c.Series.SeriesInstanceUID,
		SOPInstanceUID: fmt.Sprintf("%s.%d", c.Series.SeriesInstanceUID, instance),
		SOPClassUID:    "1.2.840.10008.5.1.4.1.1.2", TransferSyntaxUID: "1.2.840.10008.1.2.1",
		InstanceNumber: &slice, Source: "test",
		Rows: &side, Columns: &side, BitsAllocated: &bits,
	}
	return c
}

// TryPut is Put for stores that may fail.
func TryPut(t testing.TB, s *store.Store, instances ...Content) ([]store.Settlement, error) {
	t.Helper()
	ctx := t.Context()
	batch, err := s.NewBatch(ctx)
	if err != nil {
		return nil, err
	}
	var additions []store.Addition
	var staged []*store.Staged
	for _, c := range instances {
		st, err := batch.Stage(ctx, strings.NewReader(c.Bytes), 1<<20)
		if err != nil {
			return nil, err
		}
		staged = append(staged, st)
		additions = append(additions, store.Addition{Staged: st, Study: c.Study, Series: c.Series, Instance: c.Instance})
	}
	for _, err := range s.Sync(ctx, staged) {
		if err != nil {
			return nil, err
		}
	}
	var settled []store.Settlement
	if err := s.Write(ctx, func(tx *store.Tx) error {
		settled, _, err = tx.AddInstances(ctx, additions)
		return err
	}); err != nil {
		return nil, err
	}
	if err := s.Settled(ctx, additions, settled); err != nil {
		return nil, err
	}
	return settled, batch.Close(ctx)
}
