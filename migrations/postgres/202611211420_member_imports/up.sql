-- Files of members that the club brings along.
CREATE TABLE member_imports (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- `receiving` while the file is being written down; `stopped` when it was given up.
    state TEXT NOT NULL CHECK (state IN ('receiving', 'queued', 'running', 'done', 'stopped')),
    dry_run BOOLEAN NOT NULL,
    made_by BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    lines_total BIGINT NOT NULL,
    created BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX member_imports_state ON member_imports (state, created_at);
CREATE INDEX member_imports_made_by ON member_imports (made_by);

-- What is left to be done of a file: a step does one part and deletes it.
CREATE TABLE member_import_parts (
    import_id BIGINT NOT NULL REFERENCES member_imports (id),
    part BIGINT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (import_id, part)
);

-- Whom a dry run would have made by now, by address or by the file's own id; deleted when it is done.
CREATE TABLE member_import_keys (
    import_id BIGINT NOT NULL REFERENCES member_imports (id),
    known_by TEXT NOT NULL,
    PRIMARY KEY (import_id, known_by)
);

-- What became of each line. No values of the file; the member's id may stay when the member is erased.
CREATE TABLE member_import_lines (
    import_id BIGINT NOT NULL REFERENCES member_imports (id),
    line BIGINT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('created', 'skipped', 'failed')),
    pointer TEXT,
    code TEXT,
    message TEXT,
    member_id BIGINT,
    PRIMARY KEY (import_id, line)
);
CREATE INDEX member_import_lines_outcome ON member_import_lines (import_id, outcome, line);
