-- What opens a socket from a page that cannot send a header: kept hashed, good once and for a moment.
CREATE TABLE tickets (
    hash BLOB PRIMARY KEY,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_session ON tickets (session_id);
CREATE INDEX tickets_expires_at ON tickets (expires_at);
