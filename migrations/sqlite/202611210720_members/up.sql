-- Every user has exactly one member record, with the same id.
CREATE TABLE members (
    id INTEGER PRIMARY KEY REFERENCES users (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'suspended', 'rejected', 'left')),
    status_since INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX members_status ON members (status, id);
