-- What opens a socket from a page that cannot send a header: kept hashed, good once and for a moment.
CREATE TABLE tickets (
    hash BYTEA PRIMARY KEY,
    session_id BIGINT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX tickets_session ON tickets (session_id);
CREATE INDEX tickets_expires_at ON tickets (expires_at);
