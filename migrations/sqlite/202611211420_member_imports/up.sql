-- Files of members that the club brings along.
CREATE TABLE member_imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- `receiving` while the file is being written down; `stopped` when it was given up.
    state TEXT NOT NULL CHECK (state IN ('receiving', 'queued', 'running', 'done', 'stopped')),
    dry_run INTEGER NOT NULL,
    made_by INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    lines_total INTEGER NOT NULL,
    created INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX member_imports_state ON member_imports (state, created_at);
CREATE INDEX member_imports_made_by ON member_imports (made_by);

-- What is left to be done of a file: a step does one part and deletes it.
CREATE TABLE member_import_parts (
    import_id INTEGER NOT NULL REFERENCES member_imports (id),
    part INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (import_id, part)
) STRICT;

-- Whom a dry run would have made by now, by address or by the file's own id; deleted when it is done.
CREATE TABLE member_import_keys (
    import_id INTEGER NOT NULL REFERENCES member_imports (id),
    known_by TEXT NOT NULL,
    PRIMARY KEY (import_id, known_by)
) STRICT, WITHOUT ROWID;

-- What became of each line. No values of the file; the member's id may stay when the member is erased.
CREATE TABLE member_import_lines (
    import_id INTEGER NOT NULL REFERENCES member_imports (id),
    line INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('created', 'skipped', 'failed')),
    pointer TEXT,
    code TEXT,
    message TEXT,
    member_id INTEGER,
    PRIMARY KEY (import_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_import_lines_outcome ON member_import_lines (import_id, outcome, line);
