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
CREATE TABLE commitments (
    commitment_id   TEXT PRIMARY KEY,
    transaction_uid TEXT NOT NULL,
    ae_title        TEXT NOT NULL,
    instances       BLOB NOT NULL,
    attempts        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    due_at          INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE comparison_analyses (
    comparison_id TEXT    NOT NULL REFERENCES comparisons ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    analysis_id   TEXT    NOT NULL REFERENCES analyses ON DELETE CASCADE,
    revision      INTEGER,
    PRIMARY KEY (comparison_id, position)
) WITHOUT ROWID;
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
CREATE TABLE "deliveries" (
    delivery_id      TEXT PRIMARY KEY,
    sop_instance_uid TEXT    NOT NULL REFERENCES "objects" ON DELETE CASCADE,
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
CREATE TABLE endplate_schema (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE garbage (
    blob_key   TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
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
, pixel_rows INTEGER, pixel_columns INTEGER, bits_allocated INTEGER, number_of_frames INTEGER) WITHOUT ROWID;
CREATE TABLE intents (
    batch      TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    swept_at   INTEGER
) WITHOUT ROWID;
CREATE TABLE "objects" (
    sop_instance_uid TEXT PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    analysis_id      TEXT,
    revision         INTEGER,
    comparison_id    TEXT REFERENCES comparisons ON DELETE SET NULL,
    kind             TEXT NOT NULL,
    FOREIGN KEY (analysis_id, revision) REFERENCES "publications" (analysis_id, revision) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE "publications" (
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
CREATE TABLE publishing (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    settings   TEXT    NOT NULL,
    changed_at INTEGER NOT NULL
);
CREATE TABLE requests (
    creator       TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    request_hash  BLOB NOT NULL,
    analysis_id   TEXT REFERENCES analyses ON DELETE CASCADE,
    revision      INTEGER,
    comparison_id TEXT REFERENCES comparisons ON DELETE CASCADE,
    PRIMARY KEY (creator, request_id)
) WITHOUT ROWID;
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
CREATE TABLE river_job (
    id integer PRIMARY KEY AUTOINCREMENT,
    args blob NOT NULL DEFAULT (jsonb('{}')),
    attempt integer NOT NULL DEFAULT 0,
    attempted_at timestamp,
    attempted_by blob, -- json
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    errors blob, -- json
    finalized_at timestamp,
    kind text NOT NULL,
    max_attempts integer NOT NULL DEFAULT 25,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    priority integer NOT NULL DEFAULT 1,
    queue text NOT NULL DEFAULT 'default',
    state text NOT NULL DEFAULT 'available',
    scheduled_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    tags blob NOT NULL DEFAULT (jsonb('[]')),
    unique_key blob,
    unique_states integer,
    CONSTRAINT finalized_or_finalized_at_null CHECK (
        (finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded')) OR
        (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))
    ),
    CONSTRAINT priority_in_range CHECK (priority >= 1 AND priority <= 4),
    CONSTRAINT queue_length CHECK (length(queue) > 0 AND length(queue) < 128),
    CONSTRAINT kind_length CHECK (length(kind) > 0 AND length(kind) < 128),
    CONSTRAINT state_valid CHECK (state IN ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'))
);
CREATE TABLE river_leader (
    elected_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    leader_id text NOT NULL,
    name text PRIMARY KEY NOT NULL DEFAULT 'default' CHECK (name = 'default'),
    CONSTRAINT name_length CHECK (length(name) > 0 AND length(name) < 128),
    CONSTRAINT leader_id_length CHECK (length(leader_id) > 0 AND length(leader_id) < 128)
);
CREATE TABLE river_migration (
    line text NOT NULL,
    version integer NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT line_length CHECK (length(line) > 0 AND length(line) < 128),
    CONSTRAINT version_gte_1 CHECK (version >= 1),
    PRIMARY KEY (line, version)
);
CREATE TABLE river_notification (
    id integer PRIMARY KEY AUTOINCREMENT,
    created_at timestamp NOT NULL DEFAULT (datetime('now', 'subsec')),
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (length(topic) > 0 AND length(topic) < 128)
);
CREATE TABLE river_queue (
    name text PRIMARY KEY NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    paused_at timestamp,
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
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
, performed_step_date_time TEXT NOT NULL DEFAULT '', scheduled_step_id TEXT NOT NULL DEFAULT '', requested_procedure_id TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
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
, study_id TEXT NOT NULL DEFAULT '', referring_physician_name TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE workers (
    worker_id  TEXT PRIMARY KEY,
    host       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX analyses_created ON analyses (created_at, analysis_id);
CREATE UNIQUE INDEX analyses_once ON analyses (series_instance_uid, series_revision, options_hash)
    WHERE state IN ('QUEUED', 'RUNNING', 'SUCCEEDED');
CREATE INDEX analyses_series ON analyses (series_instance_uid, created_at, analysis_id);
CREATE INDEX analyses_state ON analyses (state, created_at, analysis_id);
CREATE INDEX analyses_study ON analyses (study_instance_uid, created_at, analysis_id);
CREATE INDEX commitments_due ON commitments (ae_title, due_at);
CREATE INDEX comparison_analyses_analysis ON comparison_analyses (analysis_id);
CREATE INDEX comparisons_created ON comparisons (created_at, comparison_id);
CREATE INDEX deliveries_created ON deliveries (created_at, delivery_id);
CREATE INDEX deliveries_job ON deliveries (job_id) WHERE state = 'QUEUED';
CREATE INDEX deliveries_undelivered ON deliveries (destination, state, queued_at) WHERE state <> 'DELIVERED';
CREATE UNIQUE INDEX instances_ordinal ON instances (series_instance_uid, ordinal);
CREATE INDEX instances_series ON instances (series_instance_uid, sop_instance_uid);
CREATE INDEX objects_comparison ON objects (comparison_id) WHERE comparison_id IS NOT NULL;
CREATE INDEX objects_revision ON objects (analysis_id, revision);
CREATE INDEX requests_analysis ON requests (analysis_id);
CREATE INDEX requests_comparison ON requests (comparison_id);
CREATE INDEX river_job_kind ON river_job (kind);
CREATE INDEX river_job_prioritized_fetching_index ON river_job (state, queue, priority, scheduled_at, id);
CREATE INDEX river_job_state_and_finalized_at_index ON river_job (state, finalized_at) WHERE finalized_at IS NOT NULL;
CREATE UNIQUE INDEX river_job_unique_idx ON river_job (unique_key)
    WHERE unique_key IS NOT NULL
        AND unique_states IS NOT NULL
        AND CASE state
            WHEN 'available' THEN unique_states & (1 << 0)
            WHEN 'cancelled' THEN unique_states & (1 << 1)
            WHEN 'completed' THEN unique_states & (1 << 2)
            WHEN 'discarded' THEN unique_states & (1 << 3)
            WHEN 'pending'   THEN unique_states & (1 << 4)
            WHEN 'retryable' THEN unique_states & (1 << 5)
            WHEN 'running'   THEN unique_states & (1 << 6)
            WHEN 'scheduled' THEN unique_states & (1 << 7)
            ELSE 0
        END >= 1;
CREATE INDEX river_notification_created_at_idx ON river_notification (created_at);
CREATE INDEX river_notification_topic_id_idx ON river_notification (topic, id);
CREATE INDEX series_study ON series (study_instance_uid);
CREATE INDEX studies_accession ON studies (accession_number);
CREATE INDEX studies_dated ON studies (study_date_time, study_instance_uid);
CREATE INDEX studies_patient ON studies (patient_id, last_received_at, study_instance_uid);
CREATE INDEX studies_received ON studies (last_received_at, study_instance_uid);
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
INSERT INTO analyses VALUES ('35wfjhjqhcvqibwy2fdk3mgxch', '1.2.3.1', '1.2.3.1.1', 1, X'', X'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855', 'REQUESTED', '', 'SUCCEEDED', '', 1.0, 1, '', 0, '', '', 1796033769052690, 1796033769052690, 1796033769052690, 0);
INSERT INTO audit VALUES (1, 1796033769052690, '', '', '', 'm', '', '["1.2.3.1"]');
INSERT INTO comparison_analyses VALUES ('z3lafd4q3nhefzohljhxnzvria', 0, '35wfjhjqhcvqibwy2fdk3mgxch', NULL);
INSERT INTO comparison_analyses VALUES ('z3lafd4q3nhefzohljhxnzvria', 1, '35wfjhjqhcvqibwy2fdk3mgxch', NULL);
INSERT INTO comparisons VALUES ('z3lafd4q3nhefzohljhxnzvria', X'', '', 'QUEUED', 0, 0, '', '', 1796033769052690, NULL, NULL);
INSERT INTO deliveries VALUES ('sysv6iotsksbpkqoa7rwbzjmmx', '1.2.3.1.1.1', 'pacs', 'QUEUED', 0, 1, '', 1796033769052690, 1796033769052690, NULL, 1796033769052690, NULL);
INSERT INTO endplate_schema VALUES (1, 0, 1, '2026-11-30 10:16:09');
INSERT INTO endplate_schema VALUES (2, 1, 1, '2026-11-30 10:16:09');
INSERT INTO endplate_schema VALUES (3, 2, 1, '2026-11-30 10:16:09');
INSERT INTO endplate_schema VALUES (4, 3, 1, '2026-11-30 10:16:09');
INSERT INTO endplate_schema VALUES (5, 4, 1, '2026-11-30 10:16:09');
INSERT INTO endplate_schema VALUES (6, 5, 1, '2026-11-30 10:16:09');
INSERT INTO instances VALUES ('1.2.3.1.1.1', '1.2.3.1.1', '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', 1, 14, X'575CA3F9A7091F029CF688FBB2E48F809A9FB6F59948289E8D6049A017A87400', 'gr/grrlqojhwxc6o2fpetruied6xv/1', 'test', 1796033769046930, 1, 512, 512, 16, NULL);
INSERT INTO objects VALUES ('1.2.3.1.1.1', '35wfjhjqhcvqibwy2fdk3mgxch', 0, NULL, 'sr');
INSERT INTO publications VALUES ('35wfjhjqhcvqibwy2fdk3mgxch', 0, NULL, 'RUNNING', 1, 0, '', '', 1796033769052690, NULL);
INSERT INTO revisions VALUES ('35wfjhjqhcvqibwy2fdk3mgxch', 0, '', 1796033769052690, '', 0, X'', X'7265706F7274', X'', X'');
INSERT INTO river_migration VALUES ('main', 1, '2026-11-30 10:16:09');
INSERT INTO river_migration VALUES ('main', 2, '2026-11-30 10:16:09');
INSERT INTO river_migration VALUES ('main', 3, '2026-11-30 10:16:09');
INSERT INTO river_migration VALUES ('main', 4, '2026-11-30 10:16:09');
INSERT INTO river_migration VALUES ('main', 5, '2026-11-30 10:16:09');
INSERT INTO river_migration VALUES ('main', 6, '2026-11-30 10:16:09');
INSERT INTO river_migration VALUES ('main', 7, '2026-11-30 10:16:09');
INSERT INTO river_migration VALUES ('main', 8, '2026-11-30 10:16:09');
INSERT INTO series VALUES ('1.2.3.1.1', '1.2.3.1', 'CT', 1, 'Größe 1 mm', '1.2.3.1.0', 1, 14, 1796033769046930, 1796033769046930, '20240301', 'SPS1', 'RP1');
INSERT INTO studies VALUES ('1.2.3.1', 'P1', 'HOSPITAL', 'Yamada^Tarou=山田^太郎=やまだ^たろう', '19500102', 'O', '20240229101112.5', 'Spine 1', 'A1', 1, 1, 14, 1796033769046930, 1796033769046930, 'S1', 'Roe^Richard');
