-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- What DICOM applications were promised to be told: which of the instances that they
-- asked for are kept.
CREATE TABLE commitments (
    commitment_id   TEXT COLLATE "C" PRIMARY KEY,
    transaction_uid TEXT NOT NULL,
    ae_title        TEXT COLLATE "C" NOT NULL,
    instances       BYTEA NOT NULL,
    attempts        BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    due_at          BIGINT NOT NULL
);
CREATE INDEX commitments_due ON commitments (ae_title, due_at);
