-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- What worklists are ordered by. severity is that of the newest revision; that of
-- results which were stored before is found when the store is opened next.
ALTER TABLE analyses ADD COLUMN severity INTEGER;
CREATE INDEX analyses_unranked ON analyses (analysis_id) WHERE state = 'SUCCEEDED' AND severity IS NULL;

-- Of the newest analyses of the series of a study: the greatest severity, -1 without a
-- result; the state that needs most; and whether one is to be reviewed, 2, all are, 1,
-- or there is none.
ALTER TABLE studies ADD COLUMN severity INTEGER NOT NULL DEFAULT -1;
ALTER TABLE studies ADD COLUMN attention INTEGER NOT NULL DEFAULT 0;
ALTER TABLE studies ADD COLUMN review INTEGER NOT NULL DEFAULT 0;
ALTER TABLE studies ADD COLUMN modalities TEXT NOT NULL DEFAULT '';

UPDATE studies SET modalities = COALESCE((SELECT GROUP_CONCAT(modality, '\') FROM (SELECT DISTINCT modality FROM series
    WHERE series.study_instance_uid = studies.study_instance_uid AND modality <> '' ORDER BY modality)), '');
UPDATE studies SET (attention, review) = (
    SELECT COALESCE(MAX(CASE state WHEN 'PARKED' THEN 6 WHEN 'FAILED' THEN 5 WHEN 'RUNNING' THEN 4 WHEN 'QUEUED' THEN 3
            WHEN 'CANCELLED' THEN 2 ELSE 1 END), 0),
        COALESCE(MAX(CASE WHEN revisions.number IS NULL THEN 0 WHEN revisions.reviewed THEN 1 ELSE 2 END), 0)
    FROM analyses LEFT JOIN revisions ON revisions.analysis_id = analyses.analysis_id AND revisions.number = analyses.latest_revision
    WHERE analyses.study_instance_uid = studies.study_instance_uid
        AND NOT EXISTS (SELECT 1 FROM analyses AS later WHERE later.series_instance_uid = analyses.series_instance_uid
            AND (later.created_at, later.analysis_id) > (analyses.created_at, analyses.analysis_id)));

CREATE INDEX studies_severity ON studies (severity, created_at, study_instance_uid);
CREATE INDEX studies_attention ON studies (attention, created_at, study_instance_uid);
CREATE INDEX studies_review ON studies (review, created_at, study_instance_uid);
CREATE INDEX studies_modalities ON studies (modalities, created_at, study_instance_uid);
