-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- What was made, or is to be made, of a revision as DICOM objects.
CREATE TABLE publications (
    analysis_id TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    attempt     INTEGER NOT NULL,
    job_id      INTEGER NOT NULL,
    reason_code TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (analysis_id, revision),
    FOREIGN KEY (analysis_id, revision) REFERENCES revisions ON DELETE CASCADE
) WITHOUT ROWID;

-- The instances that were made of revisions.
CREATE TABLE objects (
    sop_instance_uid TEXT PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    analysis_id      TEXT    NOT NULL,
    revision         INTEGER NOT NULL,
    kind             TEXT    NOT NULL,
    FOREIGN KEY (analysis_id, revision) REFERENCES publications ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX objects_revision ON objects (analysis_id, revision);

-- The outbox: an object that is to be, or has been, sent to a destination. A row that
-- waits is that of the job job_id.
CREATE TABLE deliveries (
    delivery_id      TEXT PRIMARY KEY,
    sop_instance_uid TEXT    NOT NULL REFERENCES objects ON DELETE CASCADE,
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
CREATE INDEX deliveries_created ON deliveries (created_at, delivery_id);
CREATE INDEX deliveries_job ON deliveries (job_id) WHERE state = 'QUEUED';
CREATE INDEX deliveries_undelivered ON deliveries (destination, state, queued_at) WHERE state <> 'DELIVERED';
