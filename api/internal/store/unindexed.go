// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import "context"

// Unindexed returns up to limit instances, by SOPInstanceUID and behind one, that an
// earlier release stored without all that a search goes by and returns today.
// [Tx.Reindex] takes them off the list.
func (r reader) Unindexed(ctx context.Context, after string, limit int) ([]Instance, error) {
	return collect(ctx, r, scanInstance, "SELECT "+instanceColumns+instancesInSeries+
		` JOIN unindexed ON unindexed.sop_instance_uid = instances.sop_instance_uid
		WHERE unindexed.sop_instance_uid > ? ORDER BY unindexed.sop_instance_uid LIMIT ?`, after, limit)
}

// Reindex adds to an instance of Unindexed, and to its study and series, what its
// headers say; of one that cannot be read they say nothing. What study and series have
// stays: it is that of the instance that was stored first.
func (tx *Tx) Reindex(ctx context.Context, i Instance, says Addition) error {
	if s := says.Study; s.StudyID != "" || s.ReferringPhysicianName != "" {
		if _, err := tx.exec(ctx, `UPDATE studies SET study_id = ?, referring_physician_name = ?
			WHERE study_instance_uid = ? AND study_id = '' AND referring_physician_name = ''`,
			s.StudyID, s.ReferringPhysicianName, i.StudyInstanceUID); err != nil {
			return err
		}
	}
	if s := says.Series; s.PerformedProcedureStepStartDateTime != "" || s.ScheduledProcedureStepID != "" || s.RequestedProcedureID != "" {
		if _, err := tx.exec(ctx, `UPDATE series SET performed_step_date_time = ?, scheduled_step_id = ?, requested_procedure_id = ?
			WHERE series_instance_uid = ? AND performed_step_date_time = '' AND scheduled_step_id = '' AND requested_procedure_id = ''`,
			s.PerformedProcedureStepStartDateTime, s.ScheduledProcedureStepID, s.RequestedProcedureID, i.SeriesInstanceUID); err != nil {
			return err
		}
	}
	s := says.Instance
	if _, err := tx.exec(ctx, "UPDATE instances SET pixel_rows = ?, pixel_columns = ?, bits_allocated = ?, number_of_frames = ? WHERE sop_instance_uid = ?",
		nullable(s.Rows), nullable(s.Columns), nullable(s.BitsAllocated), nullable(s.NumberOfFrames), i.SOPInstanceUID); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "DELETE FROM unindexed WHERE sop_instance_uid = ?", i.SOPInstanceUID)
	return err
}
