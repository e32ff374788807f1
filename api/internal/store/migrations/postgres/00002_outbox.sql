-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- What was made, or is to be made, of a revision as DICOM objects.
CREATE TABLE publications (
    analysis_id TEXT COLLATE "C"    NOT NULL,
    revision    BIGINT NOT NULL,
    state       TEXT COLLATE "C"    NOT NULL,
    attempt     BIGINT NOT NULL,
    job_id      BIGINT NOT NULL,
    reason_code TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (analysis_id, revision),
    FOREIGN KEY (analysis_id, revision) REFERENCES revisions ON DELETE CASCADE
);

-- The instances that were made of revisions.
CREATE TABLE objects (
    sop_instance_uid TEXT COLLATE "C" PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    analysis_id      TEXT COLLATE "C"    NOT NULL,
    revision         BIGINT NOT NULL,
    kind             TEXT COLLATE "C"    NOT NULL,
    FOREIGN KEY (analysis_id, revision) REFERENCES publications ON DELETE CASCADE
);
CREATE INDEX objects_revision ON objects (analysis_id, revision);

-- The outbox: an object that is to be, or has been, sent to a destination. A row that
-- waits is that of the job job_id.
CREATE TABLE deliveries (
    delivery_id      TEXT COLLATE "C" PRIMARY KEY,
    sop_instance_uid TEXT COLLATE "C"    NOT NULL REFERENCES objects ON DELETE CASCADE,
    destination      TEXT COLLATE "C"    NOT NULL,
    state            TEXT COLLATE "C"    NOT NULL,
    attempts         BIGINT NOT NULL,
    job_id           BIGINT NOT NULL,
    reason           TEXT    NOT NULL,
    created_at       BIGINT NOT NULL,
    queued_at        BIGINT NOT NULL,
    attempted_at     BIGINT,
    next_attempt_at  BIGINT,
    delivered_at     BIGINT,
    UNIQUE (sop_instance_uid, destination)
);
CREATE INDEX deliveries_created ON deliveries (created_at, delivery_id);
CREATE INDEX deliveries_job ON deliveries (job_id) WHERE state = 'QUEUED';
CREATE INDEX deliveries_undelivered ON deliveries (destination, state, queued_at) WHERE state <> 'DELIVERED';
