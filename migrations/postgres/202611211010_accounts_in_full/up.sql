-- What a person is found and sorted by: `last first` in lower case, compared by code points as on SQLite.
ALTER TABLE users ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN language TEXT;
ALTER TABLE users ADD COLUMN show_presence BOOLEAN NOT NULL DEFAULT true;
-- Registered by themselves, not invited or made: until the first sign-in another registration may replace it.
ALTER TABLE users ADD COLUMN self_registered BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE users ADD COLUMN last_sign_in_at TIMESTAMPTZ;
ALTER TABLE users ADD COLUMN erased_at TIMESTAMPTZ;
UPDATE users SET name_key = lower(last_name || ' ' || first_name);
CREATE INDEX users_name ON users (name_key, id);
CREATE INDEX users_active_name ON users (is_active, name_key, id);
CREATE INDEX users_active ON users (is_active, id);

-- The same beside each role, so that the few who have one are listed by name without reading everybody.
ALTER TABLE user_roles ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE user_roles SET name_key = (SELECT u.name_key FROM users u WHERE u.id = user_id);
CREATE INDEX user_roles_name ON user_roles (role, name_key, user_id);

-- The words by which somebody is found: of the names and the address, in lower case.
CREATE TABLE user_words (
    word TEXT COLLATE "C" NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    PRIMARY KEY (word, user_id)
);
CREATE INDEX user_words_user ON user_words (user_id, word);
INSERT INTO user_words (word, user_id)
SELECT lower(first_name), id FROM users
UNION SELECT lower(last_name), id FROM users
UNION SELECT email, id FROM users WHERE email IS NOT NULL
ON CONFLICT DO NOTHING;

-- Who is guardian of whom.
CREATE TABLE guardianships (
    ward_id BIGINT NOT NULL REFERENCES users (id),
    guardian_id BIGINT NOT NULL REFERENCES users (id),
    PRIMARY KEY (ward_id, guardian_id),
    CHECK (ward_id <> guardian_id)
);
CREATE INDEX guardianships_guardian ON guardianships (guardian_id, ward_id);

-- A device on which somebody is signed in. Ids are never used again: a token names one.
CREATE TABLE sessions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    -- The hash of what all refresh tokens of the session have in common, and how often it was refreshed.
    family BYTEA NOT NULL UNIQUE,
    generation BIGINT NOT NULL DEFAULT 0,
    user_agent TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- What the links in mails stand for, hashed; a row goes when its link is used.
CREATE TABLE links (
    hash BYTEA PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('verify', 'change', 'reset', 'invitation', 'setup')),
    -- None for the link that makes the first admin.
    user_id BIGINT REFERENCES users (id),
    -- The address that the link proves to be theirs.
    email TEXT,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX links_user ON links (user_id, purpose);
CREATE INDEX links_expiry ON links (expires_at);

-- Second factors. One that is not confirmed yet asks nothing of anybody.
CREATE TABLE second_factors (
    user_id BIGINT PRIMARY KEY REFERENCES users (id),
    secret TEXT NOT NULL,
    confirmed_at TIMESTAMPTZ,
    -- The last time step whose code was used: no code is taken twice.
    last_step BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
    user_id BIGINT NOT NULL REFERENCES users (id),
    hash BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);
