-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- Comparisons are published too, and which objects are made and where they go is the
-- same in every process. SQLite changes no constraint of a table that is there: the
-- three are made anew, and the old ones go in an order in which nothing refers to them.

-- What was made, or is to be made, of a revision or of a comparison as DICOM objects.
CREATE TABLE publications_5 (
    analysis_id   TEXT,
    revision      INTEGER,
    comparison_id TEXT UNIQUE REFERENCES comparisons ON DELETE CASCADE,
    state         TEXT    NOT NULL,
    attempt       INTEGER NOT NULL,
    job_id        INTEGER NOT NULL,
    reason_code   TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    UNIQUE (analysis_id, revision),
    FOREIGN KEY (analysis_id, revision) REFERENCES revisions ON DELETE CASCADE,
    CHECK ((analysis_id IS NULL) = (revision IS NULL) AND (analysis_id IS NULL) <> (comparison_id IS NULL))
);
INSERT INTO publications_5 SELECT analysis_id, revision, NULL, state, attempt, job_id, reason_code, reason, created_at, finished_at
    FROM publications;

-- The instances that were made of them. The report of a comparison belongs to one of
-- the studies compared, and stays when another is deleted and the comparison with it.
CREATE TABLE objects_5 (
    sop_instance_uid TEXT PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    analysis_id      TEXT,
    revision         INTEGER,
    comparison_id    TEXT REFERENCES comparisons ON DELETE SET NULL,
    kind             TEXT NOT NULL,
    FOREIGN KEY (analysis_id, revision) REFERENCES publications_5 (analysis_id, revision) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO objects_5 SELECT sop_instance_uid, analysis_id, revision, NULL, kind FROM objects;

CREATE TABLE deliveries_5 (
    delivery_id      TEXT PRIMARY KEY,
    sop_instance_uid TEXT    NOT NULL REFERENCES objects_5 ON DELETE CASCADE,
    destination      TEXT    NOT NULL,
    state            TEXT    NOT NULL,
    attempts         INTEGER NOT NULL,
    job_id           INTEGER NOT NULL,
    reason           TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    queued_at        INTEGER NOT NULL,
    attempted_at     INTEGER,
    next_attempt_at  INTEGER,
    delivered_at     INTEGER,
    UNIQUE (sop_instance_uid, destination)
) WITHOUT ROWID;
INSERT INTO deliveries_5 SELECT * FROM deliveries;

DROP TABLE deliveries;
DROP TABLE objects;
DROP TABLE publications;
ALTER TABLE publications_5 RENAME TO publications;
ALTER TABLE objects_5 RENAME TO objects;
ALTER TABLE deliveries_5 RENAME TO deliveries;

CREATE INDEX objects_revision ON objects (analysis_id, revision);
CREATE INDEX objects_comparison ON objects (comparison_id) WHERE comparison_id IS NOT NULL;
CREATE INDEX deliveries_created ON deliveries (created_at, delivery_id);
CREATE INDEX deliveries_job ON deliveries (job_id) WHERE state = 'QUEUED';
CREATE INDEX deliveries_undelivered ON deliveries (destination, state, queued_at) WHERE state <> 'DELIVERED';

-- The one row says which objects the server has made and where they go, for workers,
-- which are started elsewhere.
CREATE TABLE publishing (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    settings   TEXT    NOT NULL,
    changed_at INTEGER NOT NULL
);
