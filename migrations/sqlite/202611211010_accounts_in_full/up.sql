-- What a person is found and sorted by: `last first` in lower case.
ALTER TABLE users ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN language TEXT;
ALTER TABLE users ADD COLUMN show_presence INTEGER NOT NULL DEFAULT 1;
-- Registered by themselves, not invited or made: until the first sign-in another registration may replace it.
ALTER TABLE users ADD COLUMN self_registered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN last_sign_in_at INTEGER;
ALTER TABLE users ADD COLUMN erased_at INTEGER;
UPDATE users SET name_key = lower(last_name || ' ' || first_name);
CREATE INDEX users_name ON users (name_key, id);
CREATE INDEX users_active_name ON users (is_active, name_key, id);
CREATE INDEX users_active ON users (is_active, id);

-- The same beside each role, so that the few who have one are listed by name without reading everybody.
ALTER TABLE user_roles ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE user_roles SET name_key = (SELECT u.name_key FROM users u WHERE u.id = user_id);
CREATE INDEX user_roles_name ON user_roles (role, name_key, user_id);

-- The words by which somebody is found: of the names and the address, in lower case.
CREATE TABLE user_words (
    word TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    PRIMARY KEY (word, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_words_user ON user_words (user_id, word);
INSERT OR IGNORE INTO user_words (word, user_id)
SELECT lower(first_name), id FROM users
UNION SELECT lower(last_name), id FROM users
UNION SELECT email, id FROM users WHERE email IS NOT NULL;

-- Who is guardian of whom.
CREATE TABLE guardianships (
    ward_id INTEGER NOT NULL REFERENCES users (id),
    guardian_id INTEGER NOT NULL REFERENCES users (id),
    PRIMARY KEY (ward_id, guardian_id),
    CHECK (ward_id <> guardian_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX guardianships_guardian ON guardianships (guardian_id, ward_id);

-- A device on which somebody is signed in. Ids are never used again: a token names one.
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    -- The hash of what all refresh tokens of the session have in common, and how often it was refreshed.
    family BLOB NOT NULL UNIQUE,
    generation INTEGER NOT NULL DEFAULT 0,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- What the links in mails stand for, hashed; a row goes when its link is used.
CREATE TABLE links (
    hash BLOB PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('verify', 'change', 'reset', 'invitation', 'setup')),
    -- None for the link that makes the first admin.
    user_id INTEGER REFERENCES users (id),
    -- The address that the link proves to be theirs.
    email TEXT,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX links_user ON links (user_id, purpose);
CREATE INDEX links_expiry ON links (expires_at);

-- Second factors. One that is not confirmed yet asks nothing of anybody.
CREATE TABLE second_factors (
    user_id INTEGER PRIMARY KEY REFERENCES users (id),
    secret TEXT NOT NULL,
    confirmed_at INTEGER,
    -- The last time step whose code was used: no code is taken twice.
    last_step INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id),
    hash BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
