-- One row: what this database is. The epoch changes only when a backup is put in its place.
CREATE TABLE installation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO installation (id, epoch, created_at)
VALUES (1, lower(hex(randomblob(16))), CAST(unixepoch('subsec') * 1000000 AS INTEGER));

-- Who did what to which thing, when and why. Ids only, never names.
CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor_id INTEGER,
    action TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id INTEGER NOT NULL,
    reason TEXT,
    request_id TEXT
) STRICT;
CREATE INDEX audit_events_object ON audit_events (object_type, object_id, id);
CREATE INDEX audit_events_kind ON audit_events (object_type, id);
CREATE INDEX audit_events_actor ON audit_events (actor_id, id);

CREATE TRIGGER audit_events_kept BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'refused: audit events are never deleted'); END;
-- A reason may name a person, so it alone can be redacted.
CREATE TRIGGER audit_events_unchanged
BEFORE UPDATE OF id, at, actor_id, action, object_type, object_id, request_id ON audit_events
BEGIN SELECT RAISE(ABORT, 'refused: audit events are never changed'); END;

-- Work to be done after a commit, in chunks or on a schedule.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    claimed_by TEXT,
    claimed_until INTEGER,
    unique_key TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
-- Not partial: the state comes as a parameter, and a plan for any state cannot use an index on one of them.
CREATE INDEX jobs_queue ON jobs (state, run_at, id);
CREATE INDEX jobs_claims ON jobs (state, claimed_until, id);
CREATE INDEX jobs_finished ON jobs (state, finished_at, id);
CREATE INDEX jobs_by_state ON jobs (state, id);

-- The answer to a request that must not have its effect twice.
CREATE TABLE idempotency_keys (
    user_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    location TEXT,
    etag TEXT,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
