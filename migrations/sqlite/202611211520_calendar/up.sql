-- One row: by what calendars elsewhere know the events of this club, whatever its address is and wherever its
-- database is put back. It is no secret.
CREATE TABLE calendar_identity (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL
) STRICT;
INSERT INTO calendar_identity (id, name) VALUES (1, lower(hex(randomblob(16))));

-- Whose personal calendar is behind a secret address. Of the secret there is only the hash.
CREATE TABLE calendar_secrets (
    user_id INTEGER PRIMARY KEY REFERENCES users (id),
    hash BLOB NOT NULL UNIQUE,
    made_at INTEGER NOT NULL
) STRICT;

-- When a class was changed last: one look tells whether the timetable is still what it was.
CREATE INDEX classes_changed ON classes (changed_at);
