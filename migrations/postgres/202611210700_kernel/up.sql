-- One row: what this database is. The epoch changes only when a backup is put in its place.
CREATE TABLE installation (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
INSERT INTO installation (id, epoch, created_at)
VALUES (1, replace(gen_random_uuid()::text, '-', ''), now());

-- Who did what to which thing, when and why. Ids only, never names.
CREATE TABLE audit_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    actor_id BIGINT,
    action TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id BIGINT NOT NULL,
    reason TEXT,
    request_id TEXT
);
CREATE INDEX audit_events_object ON audit_events (object_type, object_id, id);
CREATE INDEX audit_events_kind ON audit_events (object_type, id);
CREATE INDEX audit_events_actor ON audit_events (actor_id, id);

-- Every rule that the database itself keeps is refused through this one function.
CREATE FUNCTION muster_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER audit_events_kept BEFORE DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION muster_refuse('refused: audit events are never deleted');
-- A reason may name a person, so it alone can be redacted.
CREATE TRIGGER audit_events_unchanged
BEFORE UPDATE OF id, at, actor_id, action, object_type, object_id, request_id ON audit_events
FOR EACH ROW EXECUTE FUNCTION muster_refuse('refused: audit events are never changed');

-- Work to be done after a commit, in chunks or on a schedule.
CREATE TABLE jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL,
    payload JSONB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    run_at TIMESTAMPTZ NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    claimed_by TEXT,
    claimed_until TIMESTAMPTZ,
    unique_key TEXT UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    version BIGINT NOT NULL DEFAULT 1
);
-- Not partial: the state comes as a parameter, and a plan for any state cannot use an index on one of them.
CREATE INDEX jobs_queue ON jobs (state, run_at, id);
CREATE INDEX jobs_claims ON jobs (state, claimed_until, id);
CREATE INDEX jobs_finished ON jobs (state, finished_at, id);
CREATE INDEX jobs_by_state ON jobs (state, id);

-- The answer to a request that must not have its effect twice.
CREATE TABLE idempotency_keys (
    user_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    status INTEGER NOT NULL,
    location TEXT,
    etag TEXT,
    body TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
