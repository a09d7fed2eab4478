-- Every user has exactly one member record, with the same id.
CREATE TABLE members (
    id BIGINT PRIMARY KEY REFERENCES users (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'suspended', 'rejected', 'left')),
    status_since TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX members_status ON members (status, id);
