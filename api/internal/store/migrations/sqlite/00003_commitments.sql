-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- What DICOM applications were promised to be told: which of the instances that they
-- asked for are kept.
CREATE TABLE commitments (
    commitment_id   TEXT PRIMARY KEY,
    transaction_uid TEXT NOT NULL,
    ae_title        TEXT NOT NULL,
    instances       BLOB NOT NULL,
    attempts        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    due_at          INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX commitments_due ON commitments (ae_title, due_at);
