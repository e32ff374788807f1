-- SPDX-FileCopyrightText: The endplate authors
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- Instances whose headers are to be read for what 00004 added: those stored before it,
-- and those without pixels, which cannot be told from them. A job does so and takes
-- them off; nothing comes onto the list any more.
CREATE TABLE unindexed (
    sop_instance_uid TEXT PRIMARY KEY REFERENCES instances ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO unindexed SELECT sop_instance_uid FROM instances WHERE bits_allocated IS NULL;
