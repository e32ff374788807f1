-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- Comparisons are published too, and which objects are made and where they go is the
-- same in every process.

-- What was made, or is to be made, of a revision or of a comparison as DICOM objects.
ALTER TABLE objects DROP CONSTRAINT objects_analysis_id_revision_fkey;
ALTER TABLE publications DROP CONSTRAINT publications_pkey;
ALTER TABLE publications ALTER COLUMN analysis_id DROP NOT NULL;
ALTER TABLE publications ALTER COLUMN revision DROP NOT NULL;
ALTER TABLE publications ADD COLUMN comparison_id TEXT COLLATE "C" UNIQUE REFERENCES comparisons ON DELETE CASCADE;
ALTER TABLE publications ADD CONSTRAINT publications_revision UNIQUE (analysis_id, revision);
ALTER TABLE publications ADD CONSTRAINT publications_one
    CHECK ((analysis_id IS NULL) = (revision IS NULL) AND (analysis_id IS NULL) <> (comparison_id IS NULL));

-- The instances that were made of them. The report of a comparison belongs to one of
-- the studies compared, and stays when another is deleted and the comparison with it.
ALTER TABLE objects ALTER COLUMN analysis_id DROP NOT NULL;
ALTER TABLE objects ALTER COLUMN revision DROP NOT NULL;
ALTER TABLE objects ADD COLUMN comparison_id TEXT COLLATE "C" REFERENCES comparisons ON DELETE SET NULL;
ALTER TABLE objects ADD FOREIGN KEY (analysis_id, revision) REFERENCES publications (analysis_id, revision) ON DELETE CASCADE;
CREATE INDEX objects_comparison ON objects (comparison_id) WHERE comparison_id IS NOT NULL;

-- The one row says which objects the server has made and where they go, for workers,
-- which are started elsewhere.
CREATE TABLE publishing (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    settings   TEXT   NOT NULL,
    changed_at BIGINT NOT NULL
);
