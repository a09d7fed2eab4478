-- One row: by what calendars elsewhere know the events of this club, whatever its address is and wherever its
-- database is put back. It is no secret.
CREATE TABLE calendar_identity (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL
);
INSERT INTO calendar_identity (id, name) VALUES (1, replace(gen_random_uuid()::text, '-', ''));

-- Whose personal calendar is behind a secret address. Of the secret there is only the hash.
CREATE TABLE calendar_secrets (
    user_id BIGINT PRIMARY KEY REFERENCES users (id),
    hash BYTEA NOT NULL UNIQUE,
    made_at TIMESTAMPTZ NOT NULL
);

-- When a class was changed last: one look tells whether the timetable is still what it was.
CREATE INDEX classes_changed ON classes (changed_at);
