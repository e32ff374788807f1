-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- Times are microseconds since 1970, UTC. Hashes are SHA-256.

-- +goose Up

-- What DICOM says of a study is that of its first instance.
CREATE TABLE studies (
    study_instance_uid   TEXT PRIMARY KEY,
    patient_id           TEXT    NOT NULL,
    issuer_of_patient_id TEXT    NOT NULL,
    patient_name         TEXT    NOT NULL,
    patient_birth_date   TEXT    NOT NULL,
    patient_sex          TEXT    NOT NULL,
    study_date_time      TEXT    NOT NULL,
    study_description    TEXT    NOT NULL,
    accession_number     TEXT    NOT NULL,
    series_count         INTEGER NOT NULL,
    instance_count       INTEGER NOT NULL,
    size_bytes           INTEGER NOT NULL,
    created_at           INTEGER NOT NULL,
    last_received_at     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX studies_received ON studies (last_received_at, study_instance_uid);
CREATE INDEX studies_patient ON studies (patient_id, last_received_at, study_instance_uid);

CREATE TABLE series (
    series_instance_uid    TEXT PRIMARY KEY,
    study_instance_uid     TEXT    NOT NULL REFERENCES studies ON DELETE CASCADE,
    modality               TEXT    NOT NULL,
    series_number          INTEGER,
    series_description     TEXT    NOT NULL,
    frame_of_reference_uid TEXT    NOT NULL,
    instance_count         INTEGER NOT NULL,
    size_bytes             INTEGER NOT NULL,
    created_at             INTEGER NOT NULL,
    last_received_at       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX series_study ON series (study_instance_uid);

-- ordinal counts the instances of a series as they were added, from 1: the set of
-- revision n is that of the first n.
CREATE TABLE instances (
    sop_instance_uid    TEXT PRIMARY KEY,
    series_instance_uid TEXT    NOT NULL REFERENCES series ON DELETE CASCADE,
    sop_class_uid       TEXT    NOT NULL,
    transfer_syntax_uid TEXT    NOT NULL,
    instance_number     INTEGER,
    size_bytes          INTEGER NOT NULL,
    sha256              BLOB    NOT NULL,
    blob_key            TEXT    NOT NULL UNIQUE,
    source              TEXT    NOT NULL,
    received_at         INTEGER NOT NULL,
    ordinal             INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX instances_series ON instances (series_instance_uid, sop_instance_uid);
CREATE UNIQUE INDEX instances_ordinal ON instances (series_instance_uid, ordinal);

-- Batches of blobs that may have no rows yet. swept_at is set once a sweeper has
-- given the batch up; nothing can be added from it from then on.
CREATE TABLE intents (
    batch      TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    swept_at   INTEGER
) WITHOUT ROWID;

-- Blobs whose rows are gone.
CREATE TABLE garbage (
    blob_key   TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE analyses (
    analysis_id         TEXT PRIMARY KEY,
    study_instance_uid  TEXT    NOT NULL REFERENCES studies ON DELETE CASCADE,
    series_instance_uid TEXT    NOT NULL REFERENCES series ON DELETE CASCADE,
    series_revision     INTEGER NOT NULL,
    options             BLOB    NOT NULL,
    options_hash        BLOB    NOT NULL,
    origin              TEXT    NOT NULL,
    created_by          TEXT    NOT NULL,
    state               TEXT    NOT NULL,
    stage               TEXT    NOT NULL,
    fraction_done       REAL    NOT NULL,
    attempt             INTEGER NOT NULL,
    worker_id           TEXT    NOT NULL,
    job_id              INTEGER NOT NULL,
    reason_code         TEXT    NOT NULL,
    reason              TEXT    NOT NULL,
    created_at          INTEGER NOT NULL,
    started_at          INTEGER,
    finished_at         INTEGER,
    latest_revision     INTEGER NOT NULL
);
CREATE UNIQUE INDEX analyses_once ON analyses (series_instance_uid, series_revision, options_hash)
    WHERE state IN ('QUEUED', 'RUNNING', 'SUCCEEDED');
CREATE INDEX analyses_created ON analyses (created_at, analysis_id);
CREATE INDEX analyses_study ON analyses (study_instance_uid, created_at, analysis_id);
CREATE INDEX analyses_series ON analyses (series_instance_uid, created_at, analysis_id);
CREATE INDEX analyses_state ON analyses (state, created_at, analysis_id);

-- The report stands before what only corrections and comparisons need, so that
-- reading it does not pass over them.
CREATE TABLE revisions (
    analysis_id TEXT    NOT NULL REFERENCES analyses ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    author      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    comment     TEXT    NOT NULL,
    reviewed    BOOLEAN NOT NULL,
    corrections BLOB    NOT NULL,
    report      BLOB    NOT NULL,
    results     BLOB    NOT NULL,
    about       BLOB    NOT NULL,
    PRIMARY KEY (analysis_id, number)
);

CREATE TABLE comparisons (
    comparison_id TEXT PRIMARY KEY,
    options       BLOB    NOT NULL,
    created_by    TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    attempt       INTEGER NOT NULL,
    job_id        INTEGER NOT NULL,
    reason_code   TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    report        BLOB
);
CREATE INDEX comparisons_created ON comparisons (created_at, comparison_id);

CREATE TABLE comparison_analyses (
    comparison_id TEXT    NOT NULL REFERENCES comparisons ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    analysis_id   TEXT    NOT NULL REFERENCES analyses ON DELETE CASCADE,
    revision      INTEGER,
    PRIMARY KEY (comparison_id, position)
) WITHOUT ROWID;
CREATE INDEX comparison_analyses_analysis ON comparison_analyses (analysis_id);

-- Requests that were done and may be sent again.
CREATE TABLE requests (
    creator       TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    request_hash  BLOB NOT NULL,
    analysis_id   TEXT REFERENCES analyses ON DELETE CASCADE,
    revision      INTEGER,
    comparison_id TEXT REFERENCES comparisons ON DELETE CASCADE,
    PRIMARY KEY (creator, request_id)
) WITHOUT ROWID;
CREATE INDEX requests_analysis ON requests (analysis_id);
CREATE INDEX requests_comparison ON requests (comparison_id);

CREATE TABLE workers (
    worker_id  TEXT PRIMARY KEY,
    host       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    audit_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    peer       TEXT    NOT NULL,
    method     TEXT    NOT NULL,
    outcome    TEXT    NOT NULL,
    objects    TEXT    NOT NULL
);

-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
-- +goose StatementEnd
