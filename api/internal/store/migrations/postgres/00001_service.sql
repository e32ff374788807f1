-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- Times are microseconds since 1970, UTC. Hashes are SHA-256.

-- +goose Up

-- What DICOM says of a study is that of its first instance.
CREATE TABLE studies (
    study_instance_uid   TEXT COLLATE "C" PRIMARY KEY,
    patient_id           TEXT COLLATE "C"    NOT NULL,
    issuer_of_patient_id TEXT COLLATE "C"    NOT NULL,
    patient_name         TEXT    NOT NULL,
    patient_birth_date   TEXT    NOT NULL,
    patient_sex          TEXT    NOT NULL,
    study_date_time      TEXT    NOT NULL,
    study_description    TEXT    NOT NULL,
    accession_number     TEXT    NOT NULL,
    series_count         BIGINT NOT NULL,
    instance_count       BIGINT NOT NULL,
    size_bytes           BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    last_received_at     BIGINT NOT NULL
);
CREATE INDEX studies_received ON studies (last_received_at, study_instance_uid);
CREATE INDEX studies_patient ON studies (patient_id, last_received_at, study_instance_uid);

CREATE TABLE series (
    series_instance_uid    TEXT COLLATE "C" PRIMARY KEY,
    study_instance_uid     TEXT COLLATE "C"    NOT NULL REFERENCES studies ON DELETE CASCADE,
    modality               TEXT    NOT NULL,
    series_number          BIGINT,
    series_description     TEXT    NOT NULL,
    frame_of_reference_uid TEXT COLLATE "C"    NOT NULL,
    instance_count         BIGINT NOT NULL,
    size_bytes             BIGINT NOT NULL,
    created_at             BIGINT NOT NULL,
    last_received_at       BIGINT NOT NULL
);
CREATE INDEX series_study ON series (study_instance_uid);

-- ordinal counts the instances of a series as they were added, from 1: the set of
-- revision n is that of the first n.
CREATE TABLE instances (
    sop_instance_uid    TEXT COLLATE "C" PRIMARY KEY,
    series_instance_uid TEXT COLLATE "C"    NOT NULL REFERENCES series ON DELETE CASCADE,
    sop_class_uid       TEXT COLLATE "C"    NOT NULL,
    transfer_syntax_uid TEXT COLLATE "C"    NOT NULL,
    instance_number     BIGINT,
    size_bytes          BIGINT NOT NULL,
    sha256              BYTEA    NOT NULL,
    blob_key            TEXT COLLATE "C"    NOT NULL UNIQUE,
    source              TEXT    NOT NULL,
    received_at         BIGINT NOT NULL,
    ordinal             BIGINT NOT NULL
);
CREATE INDEX instances_series ON instances (series_instance_uid, sop_instance_uid);
CREATE UNIQUE INDEX instances_ordinal ON instances (series_instance_uid, ordinal);

-- Batches of blobs that may have no rows yet. swept_at is set once a sweeper has
-- given the batch up; nothing can be added from it from then on.
CREATE TABLE intents (
    batch      TEXT COLLATE "C" PRIMARY KEY,
    created_at BIGINT NOT NULL,
    swept_at   BIGINT
);

-- Blobs whose rows are gone.
CREATE TABLE garbage (
    blob_key   TEXT COLLATE "C" PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE analyses (
    analysis_id         TEXT COLLATE "C" PRIMARY KEY,
    study_instance_uid  TEXT COLLATE "C"    NOT NULL REFERENCES studies ON DELETE CASCADE,
    series_instance_uid TEXT COLLATE "C"    NOT NULL REFERENCES series ON DELETE CASCADE,
    series_revision     BIGINT NOT NULL,
    options             BYTEA    NOT NULL,
    options_hash        BYTEA    NOT NULL,
    origin              TEXT    NOT NULL,
    created_by          TEXT    NOT NULL,
    state               TEXT COLLATE "C"    NOT NULL,
    stage               TEXT    NOT NULL,
    fraction_done       DOUBLE PRECISION    NOT NULL,
    attempt             BIGINT NOT NULL,
    worker_id           TEXT COLLATE "C"    NOT NULL,
    job_id              BIGINT NOT NULL,
    reason_code         TEXT    NOT NULL,
    reason              TEXT    NOT NULL,
    created_at          BIGINT NOT NULL,
    started_at          BIGINT,
    finished_at         BIGINT,
    latest_revision     BIGINT NOT NULL
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
    analysis_id TEXT COLLATE "C"    NOT NULL REFERENCES analyses ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    author      TEXT    NOT NULL,
    created_at  BIGINT NOT NULL,
    comment     TEXT    NOT NULL,
    reviewed    BOOLEAN NOT NULL,
    corrections BYTEA    NOT NULL,
    report      BYTEA    NOT NULL,
    results     BYTEA    NOT NULL,
    about       BYTEA    NOT NULL,
    PRIMARY KEY (analysis_id, number)
);

CREATE TABLE comparisons (
    comparison_id TEXT COLLATE "C" PRIMARY KEY,
    options       BYTEA    NOT NULL,
    created_by    TEXT    NOT NULL,
    state         TEXT COLLATE "C"    NOT NULL,
    attempt       BIGINT NOT NULL,
    job_id        BIGINT NOT NULL,
    reason_code   TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    created_at    BIGINT NOT NULL,
    finished_at   BIGINT,
    report        BYTEA
);
CREATE INDEX comparisons_created ON comparisons (created_at, comparison_id);

CREATE TABLE comparison_analyses (
    comparison_id TEXT COLLATE "C"    NOT NULL REFERENCES comparisons ON DELETE CASCADE,
    position      BIGINT NOT NULL,
    analysis_id   TEXT COLLATE "C"    NOT NULL REFERENCES analyses ON DELETE CASCADE,
    revision      BIGINT,
    PRIMARY KEY (comparison_id, position)
);
CREATE INDEX comparison_analyses_analysis ON comparison_analyses (analysis_id);

-- Requests that were done and may be sent again.
CREATE TABLE requests (
    creator       TEXT NOT NULL,
    request_id    TEXT COLLATE "C" NOT NULL,
    request_hash  BYTEA NOT NULL,
    analysis_id   TEXT COLLATE "C" REFERENCES analyses ON DELETE CASCADE,
    revision      BIGINT,
    comparison_id TEXT COLLATE "C" REFERENCES comparisons ON DELETE CASCADE,
    PRIMARY KEY (creator, request_id)
);
CREATE INDEX requests_analysis ON requests (analysis_id);
CREATE INDEX requests_comparison ON requests (comparison_id);

CREATE TABLE workers (
    worker_id  TEXT COLLATE "C" PRIMARY KEY,
    host       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

CREATE TABLE audit (
    audit_id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT NOT NULL,
    request_id TEXT COLLATE "C"    NOT NULL,
    subject    TEXT    NOT NULL,
    peer       TEXT    NOT NULL,
    method     TEXT    NOT NULL,
    outcome    TEXT    NOT NULL,
    objects    TEXT    NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only';
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
