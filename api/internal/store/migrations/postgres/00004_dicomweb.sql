-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- What DICOMweb is searched by and returns, beside what the service shows. Of
-- instances that were stored before it is not known.
ALTER TABLE studies ADD COLUMN study_id TEXT NOT NULL DEFAULT '';
ALTER TABLE studies ADD COLUMN referring_physician_name TEXT NOT NULL DEFAULT '';
ALTER TABLE series ADD COLUMN performed_step_date_time TEXT NOT NULL DEFAULT '';
ALTER TABLE series ADD COLUMN scheduled_step_id TEXT NOT NULL DEFAULT '';
ALTER TABLE series ADD COLUMN requested_procedure_id TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN pixel_rows BIGINT;
ALTER TABLE instances ADD COLUMN pixel_columns BIGINT;
ALTER TABLE instances ADD COLUMN bits_allocated BIGINT;
ALTER TABLE instances ADD COLUMN number_of_frames BIGINT;

CREATE INDEX studies_dated ON studies (study_date_time, study_instance_uid);
CREATE INDEX studies_accession ON studies (accession_number);
